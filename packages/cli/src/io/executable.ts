import { accessSync, constants } from "node:fs";
import { delimiter, dirname, resolve } from "node:path/posix";

/** Whether this user may run it (access(2)). */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Another program of ours: the one beside this program, else the first on PATH.
 * @param path the value of PATH
 */
export function findSibling(name: string, path: string | undefined): string | undefined {
  const directories = [dirname(process.execPath), ...(path ?? "").split(delimiter).filter(Boolean)];
  return directories.map((directory) => resolve(directory, name)).find(isExecutable);
}
