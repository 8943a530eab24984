import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** Unpacks a package that npm leaves out on this machine, one for another processor, unless it is there already. */
export async function unpackedPackage(spec: string, target: string): Promise<string> {
  if (existsSync(target)) return target;
  const directory = await mkdtemp(join(tmpdir(), "gantry-package-"));
  try {
    const { stdout } = await exec("npm", ["pack", "--silent", "--pack-destination", directory, spec], {
      cwd: directory,
    });
    await exec("tar", ["-xzf", join(directory, stdout.trim()), "-C", directory]);
    await mkdir(dirname(target), { recursive: true });
    await exec("mv", [join(directory, "package"), target]);
    return target;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
