import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { paths } from "../paths.ts";
import { must } from "./sides.ts";

const size = 32 * 2 ** 30;

/**
 * A new file system for everything that is measured: ext4 with a journal, as a user has it, on a loop device over a
 * sparse file. What was on the machine's own one before, and how it was made, would count otherwise: without a journal,
 * for one, ext4 searches for minutes past every inode that was freed.
 */
export async function ownDisk(): Promise<AsyncDisposable> {
  await mkdir(paths.build, { recursive: true });
  const image = join(paths.build, `bench-${process.pid}.img`);
  const directory = await mkdtemp(join(tmpdir(), "gantry-bench-"));
  const before = process.env["TMPDIR"];
  try {
    await writeFile(image, "");
    await truncate(image, size);
    await must({ argv: ["mkfs.ext4", "-q", "-F", image] });
    await must({ argv: ["mount", "-o", "loop", image, directory] });
  } catch (error) {
    await rm(image, { force: true });
    await rm(directory, { recursive: true });
    throw error;
  }
  process.env["TMPDIR"] = directory;
  return {
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
      await must({ argv: ["umount", directory] });
      await rm(image, { force: true });
      await rm(directory, { recursive: true });
    },
  };
}
