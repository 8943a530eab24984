import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Arch } from "./arch.ts";
import type { Binary } from "./binaries.ts";
import { bunPackages, bunProgram } from "./bun-program.ts";
import { disarmedExecutable } from "./environment/disarmed-executable.ts";
import { keptOutput } from "./kept-output.ts";
import { unpackedPackage } from "./npm-package.ts";
import { paths } from "./paths.ts";
import { sourceCommit } from "./source-commit.ts";

const run = promisify(execFile);
export interface BunInput {
  readonly binary: Binary;
  /** Files that it carries; it finds them by their names. */
  readonly assets: readonly string[];
  readonly arch: Arch;
  readonly outputDirectory: string;
}

/**
 * Makes a standalone binary that Bun runs, with the bytecode of all its functions; each dynamic import is loaded by
 * itself. Keeps the one there when nothing that goes into it has changed. Returns whether it was made.
 */
export async function compileWithBun({ binary, assets, arch, outputDirectory }: BunInput): Promise<boolean> {
  const executable = await bunFor(arch);
  const entry = join(paths.packages, binary.entry);
  const fingerprint = await fingerprintOf(
    await bundled(binary.name, entry),
    [...assets, import.meta.filename],
    executable,
  );
  return keptOutput({ name: binary.name, arch, outputDirectory, fingerprint }, async (output) => {
    await bun([
      ...["build", entry, ...(await bundling()), "--compile", `--outfile=${output}`, ...asAlone],
      ...["--bytecode", `--target=bun-linux-${arch.name}`, `--compile-executable-path=${executable}`],
      ...assets.map((file) => `--asset=${file}`),
    ]);
  });
}

async function bundling(): Promise<readonly string[]> {
  const commit = `--define=sourceCommit=${JSON.stringify(await sourceCommit())}`;
  return ["--target=bun", "--format=esm", "--splitting", "--minify-syntax", "--minify-whitespace", commit];
}

/** Files of the directory that it is called in do not steer it. It ends before a compiler would have paid for itself. */
const asAlone = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", "--compile-jit-policy=1000"];

/** The Bun that the standalone binaries for a machine contain. */
async function bunFor(arch: Arch): Promise<string> {
  const name = bunPackages[arch.name];
  const manifest = JSON.parse(await readFile(join(paths.root, "package.json"), "utf8")) as {
    optionalDependencies: Record<string, string>;
  };
  const version = manifest.optionalDependencies[name] ?? "";
  const unpacked = join(paths.build, `bun-${arch.name}-${version}`);
  const path =
    arch.name === process.arch ? bunProgram : join(await unpackedPackage(`${name}@${version}`, unpacked), "bin/bun");
  return disarmedExecutable({ jsRuntime: "bun", version, arch, path });
}

async function bun(args: readonly string[]): Promise<void> {
  await run(bunProgram, args, { cwd: paths.root, maxBuffer: 1 << 24 });
}

/** The program's text, to see whether it has changed. */
async function bundled(name: string, entry: string): Promise<readonly string[]> {
  const directory = join(paths.build, "bundle", name);
  await rm(directory, { recursive: true, force: true });
  await bun(["build", entry, ...(await bundling()), `--outdir=${directory}`]);
  return (await readdir(directory)).sort().map((file) => join(directory, file));
}

async function fingerprintOf(texts: readonly string[], assets: readonly string[], executable: string): Promise<string> {
  const hash = createHash("sha256").update(executable);
  for (const file of [...texts, ...assets]) hash.update(file).update(await readFile(file));
  return hash.digest("hex");
}
