import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
} from "node:fs";
import { isSystemError, type NativeSys } from "@gantry/native-sys";

/** Makes a directory with the owner, mode, times and attributes of one in a lower layer. */
export function copyDirectory(native: NativeSys, from: string, to: string, stats: Stats): void {
  mkdirSync(to, 0o700);
  copyMetadata(native, from, to, stats);
}

/** Copies a file or symlink of a lower layer, as overlayfs does before it changes one. */
export function copyNode(native: NativeSys, from: string, to: string, stats: Stats): void {
  if (stats.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    lchownSync(to, stats.uid, stats.gid);
    return;
  }
  if (!stats.isFile()) throw new Error(`${to}: only files of a lower layer can be linked to`);
  copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  copyMetadata(native, from, to, stats);
}

/** Owner, mode, extended attributes and times, in the order in which none undoes another. */
export function copyMetadata(native: NativeSys, from: string, to: string, stats: Stats): void {
  lchownSync(to, stats.uid, stats.gid);
  chmodSync(to, stats.mode & 0o7777);
  for (const name of native.listxattr(from, false)) {
    if (name.startsWith("trusted.overlay.")) continue;
    const value = native.getxattr(from, name, false);
    if (value) setXattr(native, to, name, value);
  }
  const mtimeNs = BigInt(Math.round(stats.mtimeMs * 1e6));
  native.utimens(to, mtimeNs, mtimeNs, false);
}

/** Sets an attribute; one that the file system has no place for is left out, as other stacks do. */
export function setXattr(native: NativeSys, path: string, name: string, value: Uint8Array): void {
  try {
    native.setxattr(path, name, value, 0, false);
  } catch (error) {
    if (!isSystemError(error, "ENOTSUP", "EOPNOTSUPP")) throw error;
  }
}
