import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Arch } from "./arch.ts";
import { disarmedExecutable } from "./environment/disarmed-executable.ts";
import { unpackedPackage } from "./npm-package.ts";
import { paths } from "./paths.ts";

const exec = promisify(execFile);

/**
 * The Node executable that becomes a binary: without its symbol table, and steered by none of Node's variables. It has
 * to be stripped before anything is put into it: stripping afterwards breaks the file.
 */
export async function nodeFor(arch: Arch): Promise<string> {
  return disarmedExecutable({ jsRuntime: "node", version: process.version, arch, path: await strippedNode(arch) });
}

async function strippedNode(arch: Arch): Promise<string> {
  const source = await stockNode(arch);
  const target = join(paths.build, `node-${process.version}-${arch.name}`);
  if (existsSync(target) && (await stat(target)).mtimeMs >= (await stat(source)).mtimeMs) return target;
  await mkdir(paths.build, { recursive: true });
  const temporary = `${target}.${process.pid}`;
  await copyFile(source, temporary);
  await exec(`${arch.crossPrefix}strip`, [temporary]);
  await rename(temporary, target);
  return target;
}

/** The pinned Node: for this machine the one that runs the build, for another its npm package. */
async function stockNode(arch: Arch): Promise<string> {
  if (arch.name === process.arch) return process.execPath;
  const name = `node-linux-${arch.name}`;
  const unpacked = join(paths.build, `${name}-${process.version}`);
  return join(await unpackedPackage(`${name}@${process.version.slice(1)}`, unpacked), "bin", "node");
}
