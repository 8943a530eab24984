import type { Dirent } from "node:fs";
import { lstat, opendir } from "node:fs/promises";

/** Bytes on disk and inodes of a directory and all below it, as du(1) counts: a file with several names once. */
export async function diskUsage(directory: string): Promise<{ size: number; inodes: number }> {
  const total = { size: 0, inodes: 0 };
  const linked = new Set<number>();
  const count = async (path: string) => {
    const stats = await lstat(path);
    if (stats.nlink > 1 && !stats.isDirectory()) {
      if (linked.has(stats.ino)) return;
      linked.add(stats.ino);
    }
    total.size += stats.blocks * 512;
    total.inodes += 1;
  };
  const todo = [directory];
  await count(directory);
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for await (const entry of await opendir(next)) {
      const path = `${next}/${entry.name}`;
      await ignoreGone(() => count(path));
      if ((entry as Dirent).isDirectory()) todo.push(path);
    }
  }
  return total;
}

/** A running container may remove what was just listed. */
async function ignoreGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
