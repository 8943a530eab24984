import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";

export interface DirectoryLockRequest {
  readonly directory: string;
  /** Name of the lock's file in the directory. */
  readonly file: string;
  /** The kind of program that holds it, for the error: "engine". */
  readonly holder: string;
  /** The flag that gives each program a directory of its own: "--state". */
  readonly flag: string;
}

/**
 * Holds a directory for this process until it ends (flock(2)).
 * @param tryLock takes an exclusive lock without waiting; false when another process has it
 * @throws Error naming the process that holds it
 */
export function lockDirectory(tryLock: (fd: number) => boolean, request: DirectoryLockRequest): Disposable {
  const { directory, file, holder, flag } = request;
  const path = `${directory}/${file}`;
  const fd = openSync(path, "a+", 0o600);
  if (!tryLock(fd)) {
    const pid = readFileSync(path, "utf8").trim();
    closeSync(fd);
    throw new Error(
      `${directory} is in use by another ${holder}${pid ? ` (process ${pid})` : ""}: give each its own ${flag}`,
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
