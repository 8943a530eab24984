import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Arch } from "./arch.ts";
import { paths } from "./paths.ts";

export interface Output {
  readonly name: string;
  readonly arch: Arch;
  readonly outputDirectory: string;
  /** Of all that goes into it. */
  readonly fingerprint: string;
}

/** Has a binary made under a temporary name, or keeps the one there that has the same fingerprint. Returns whether it was made. */
export async function keptOutput(
  { name, arch, outputDirectory, fingerprint }: Output,
  make: (path: string) => Promise<void>,
): Promise<boolean> {
  const output = join(outputDirectory, name);
  const stamp = join(paths.build, "stamps", `${basename(outputDirectory)}-${arch.name}-${name}`);
  if (existsSync(output) && existsSync(stamp) && (await readFile(stamp, "utf8")) === fingerprint) return false;
  await mkdir(outputDirectory, { recursive: true });
  await mkdir(dirname(stamp), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  try {
    await make(temporary);
    await chmod(temporary, 0o755);
    // A running binary cannot be written over; a new file takes its name instead.
    await rename(temporary, output);
  } finally {
    await rm(temporary, { force: true });
  }
  await writeFile(stamp, fingerprint);
  return true;
}
