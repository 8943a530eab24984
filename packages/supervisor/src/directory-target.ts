import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { alreadyExists, invalidArgument } from "./errors.ts";

/**
 * Fills a directory that is not there or is empty; when that fails, it is as it was before.
 * @throws RpcError AlreadyExists for one that holds something, InvalidArgument for what cannot be one
 */
export async function fillDirectory<T>(path: string, fill: (path: string) => Promise<T>): Promise<T> {
  const made = await makeDirectory(path);
  try {
    return await fill(path);
  } catch (error) {
    for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
    if (made) await rmdir(path);
    throw error;
  }
}

/** True when it was not there. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o755 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw invalidArgument(`${path}: the directory that it is to be in does not exist`, error);
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
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") throw alreadyExists(`${path} exists and is no directory`);
    throw error;
  }
  if (names.length > 0) throw alreadyExists(`${path} is not empty`);
}
