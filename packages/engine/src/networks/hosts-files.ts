import { open, readFile, writeFile } from "node:fs/promises";
import { KeyedLock } from "@gantry/common/keyed-lock";
import { isSystemError } from "@gantry/native-sys";

/**
 * /etc/hosts of containers. A start writes the file anew; while the container runs, only the engine's own lines change,
 * and lines that programs in the container added, changed or deleted stay as they are. What the engine wrote last is
 * kept beside the file, so that the next engine knows its lines too.
 */
export class HostsFiles {
  readonly #locks = new KeyedLock();

  /** Writes the file for a start. */
  async create(path: string, content: string): Promise<void> {
    await this.#locks.run(path, async () => {
      await writeFile(path, content);
      await writeFile(lastPath(path), content);
    });
  }

  /** Brings the engine's lines in the file of a running container up to date. Does nothing where there is no file. */
  async update(path: string, content: string): Promise<void> {
    await this.#locks.run(path, async () => {
      const present = await readIfExists(path);
      if (present === undefined) return;
      const before = (await readIfExists(lastPath(path))) ?? "";
      if (before === content) return;
      await overwrite(path, present, mergeHosts(present, before, content));
      await writeFile(lastPath(path), content);
    });
  }
}

/**
 * The text with the lines that the engine no longer has removed and those that it has added at the end.
 * @param before the lines that the engine wrote last
 * @param after the lines that it has now
 */
export function mergeHosts(present: string, before: string, after: string): string {
  const [old, wanted] = [linesOf(before), linesOf(after)];
  const removed = new Set(old.filter((line) => !wanted.includes(line)));
  const kept = linesOf(present).filter((line) => !removed.has(line));
  const added = wanted.filter((line) => !old.includes(line) && !kept.includes(line));
  return [...kept, ...added].map((line) => `${line}\n`).join("");
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Replaces a file's content in place: the file is bound into the container, which would not see a new one under its
 * name. It is cut to its new length last, so that neither a reader nor a failure finds it empty; and only where it gets
 * shorter, so that a line which a program in the container appends meanwhile stays.
 */
async function overwrite(path: string, present: string, content: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const bytes = Buffer.from(content);
    await handle.writev([bytes], 0);
    if (bytes.length < Buffer.byteLength(present)) await handle.truncate(bytes.length);
  } finally {
    await handle.close();
  }
}

function lastPath(path: string): string {
  return `${path}.engine`;
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}
