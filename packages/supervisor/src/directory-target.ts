import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { alreadyExists, invalidArgument, undo } from "./errors.ts";

/**
 * Fills a directory that is empty or does not exist; a failure restores that state.
 * @throws RpcError AlreadyExists for a directory with entries or a file, InvalidArgument for an impossible path
 */
export async function fillDirectory<T>(path: string, fill: (path: string) => Promise<T>): Promise<T> {
  const created = await createDirectory(path);
  try {
    return await fill(path);
  } catch (error) {
    await undo(
      () => emptyDirectory(path),
      () => created && rmdir(path),
    );
    throw error;
  }
}

/** Removes everything in a directory, whatever bytes the names have. */
export async function emptyDirectory(path: string): Promise<void> {
  for (const name of await readdir(path, "buffer")) {
    await rm(Buffer.concat([Buffer.from(`${path}/`), name]), { recursive: true, force: true });
  }
}

/** @returns true when the directory did not exist */
async function createDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o755 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw invalidArgument(`${path}: its parent directory does not exist`, error);
    if (code === "ENOTDIR") throw invalidArgument(`${path} is not below a directory`, error);
    if (code !== "EEXIST") throw error;
  }
  await requireEmpty(path);
  return false;
}

async function requireEmpty(path: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR")
      throw alreadyExists(`${path} exists and is not a directory`);
    throw error;
  }
  if (names.length > 0) throw alreadyExists(`${path} is not empty`);
}
