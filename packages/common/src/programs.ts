import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, resolve } from "node:path/posix";

/** Whether this user may execute a file: regular, with access(2) granted; never a directory. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * A program as a shell finds it: a name with a slash is a path from the working directory, any other is looked up
 * in the directories of PATH, where an empty entry means the working directory.
 * @returns an absolute path, or undefined where there is no such executable file
 */
export function findProgram(name: string, path: string, cwd = process.cwd()): string | undefined {
  if (name === "") return undefined;
  const directories = name.includes("/") ? [""] : path.split(delimiter);
  return directories.map((directory) => resolve(cwd, directory, name)).find(isExecutable);
}

/**
 * Another program of this project: the one beside the running program, else the first on PATH.
 * @param self the running program's file
 */
export function findSibling(name: string, path: string, self = process.execPath): string | undefined {
  const beside = resolve(dirname(self), name);
  return isExecutable(beside) ? beside : findProgram(name, path.split(delimiter).filter(Boolean).join(delimiter));
}
