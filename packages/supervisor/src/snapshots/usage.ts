import { lstatSync, readdirSync } from "node:fs";
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import { isSystemError } from "@gantry/native-sys";
import { type BytePath, fsPath, toBytePath } from "@gantry/tree-copy/byte-path";

const directoriesPerSlice = 64;

/** Bytes on disk and inodes of a directory and all below it, as du(1) counts them: a file with several names once. */
export async function diskUsage(directory: string): Promise<{ size: number; inodes: number }> {
  const total = { size: 0, inodes: 0 };
  const linked = new Set<string>();
  const root = toBytePath(directory);
  const todo: BytePath[] = [root];
  const count = (path: BytePath) => {
    const stats = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (!stats) return; // removed by a running container since it was listed
    if (stats.isDirectory()) {
      if (path !== root) todo.push(path);
    } else if (stats.nlink > 1) {
      const file = `${stats.dev}:${stats.ino}`;
      if (linked.has(file)) return;
      linked.add(file);
    }
    total.size += stats.blocks * 512;
    total.inodes += 1;
  };
  count(root);
  for (let at = 0; at < todo.length; at++) {
    for (const name of namesIn(todo[at] as BytePath)) count(`${todo[at]}/${name}`);
    if (at % directoriesPerSlice === directoriesPerSlice - 1) await yieldToEventLoop();
  }
  return total;
}

function namesIn(directory: BytePath): BytePath[] {
  try {
    return readdirSync(fsPath(directory), "latin1");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
