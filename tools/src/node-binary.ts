import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Arch } from "./arch.ts";
import { paths } from "./paths.ts";

const exec = promisify(execFile);

/**
 * The Node executable that becomes a binary, without its symbol table. It has to be stripped before
 * anything is put into it: stripping afterwards breaks the file.
 */
export async function strippedNode(arch: Arch): Promise<string> {
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
  const unpacked = join(paths.build, `node-linux-${arch.name}-${process.version}`);
  if (!existsSync(unpacked)) await fetchNodePackage(`node-linux-${arch.name}@${process.version.slice(1)}`, unpacked);
  return join(unpacked, "bin", "node");
}

async function fetchNodePackage(spec: string, target: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "gantry-node-"));
  try {
    const { stdout } = await exec("npm", ["pack", "--silent", "--pack-destination", directory, spec], {
      cwd: directory,
    });
    await exec("tar", ["-xzf", join(directory, stdout.trim()), "-C", directory]);
    await mkdir(paths.build, { recursive: true });
    await exec("mv", [join(directory, "package"), target]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
