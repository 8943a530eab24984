import { fstatSync, readFileSync } from "node:fs";
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "./constants.ts";
import { isSystemError } from "./errors.ts";
import { Fd } from "./fd.ts";
import type { NativeSys } from "./surface.ts";

/**
 * Opens a path with a directory as its root: symbolic links, absolute ones too, are resolved inside
 * (openat2(2), RESOLVE_IN_ROOT).
 * @returns a descriptor, or undefined where nothing is at the path
 */
export function openInRoot(native: NativeSys, root: number, path: string | Buffer, flags: number): number | undefined {
  try {
    return native.openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

const directoryFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

/** Opens a directory, as the root of other paths. @throws SystemError */
export function openDirectory(native: NativeSys, path: string): Fd {
  return new Fd(native.openat2(AT_FDCWD, path, directoryFlags, 0, 0));
}

/** Opens a directory as `openInRoot` does. @returns undefined where nothing, or something else, is at the path */
export function openDirectoryInRoot(native: NativeSys, root: number, path: string): Fd | undefined {
  const fd = openInRoot(native, root, path, directoryFlags);
  return fd === undefined ? undefined : new Fd(fd);
}

/**
 * Opens a regular file in the same way, for reading.
 * @returns undefined for anything else: nothing, a loop of links, a directory, a device, a FIFO (which does not block)
 */
export function openFileInRoot(native: NativeSys, root: number, path: string): Fd | undefined {
  try {
    const fd = openInRoot(native, root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd === undefined) return undefined;
    const file = new Fd(fd);
    if (fstatSync(fd).isFile()) return file;
    file.close();
    return undefined;
  } catch (error) {
    if (isSystemError(error, "ELOOP", "ENXIO")) return undefined;
    throw error;
  }
}

/** A file of an image that is larger than a reader takes. */
export class FileTooLargeError extends Error {
  override name = "FileTooLargeError";
}

/** Reads such a file; empty where there is none. @throws FileTooLargeError naming the path and both sizes */
export function readFileInRoot(
  native: NativeSys,
  root: number,
  path: string,
  { maxBytes }: { readonly maxBytes: number },
): Uint8Array {
  using file = openFileInRoot(native, root, path);
  if (!file) return new Uint8Array();
  const { size } = fstatSync(file.number);
  if (size > maxBytes) throw new FileTooLargeError(`/${path} has ${size} bytes, at most ${maxBytes} are read`);
  return readFileSync(file.number);
}
