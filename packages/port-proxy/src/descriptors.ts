import { closeSync, fstatSync, type Stats, writeSync } from "node:fs";

/** Where the parent reads the outcome of the start. */
const statusFd = 3;
/** Where the parent puts a listening socket. */
export const listenFd = 4;

/**
 * Reports the result of the start to the parent, once: "0\n", or "1\n" and the reason; then closes the descriptor.
 * Does nothing when the parent opened none: the number then belongs to Node's own event loop.
 */
export function reportStart(failure?: string): void {
  if (!isInherited(statusFd, (stat) => stat.isFIFO() || stat.isSocket() || stat.isFile())) return;
  try {
    writeSync(statusFd, failure === undefined ? "0\n" : `1\n${failure}`);
  } catch {
    // the parent does not listen any more
  }
  closeSync(statusFd);
}

/** True when descriptor 4 is a socket that the parent gave. */
export function hasListenSocket(): boolean {
  return isInherited(listenFd, (stat) => stat.isSocket());
}

/** Node opens its event poll and ring first, and those are of no file type; so a low number that has one was there before. */
function isInherited(fd: number, expected: (stat: Stats) => boolean): boolean {
  try {
    return expected(fstatSync(fd));
  } catch {
    return false;
  }
}
