import { type BigIntStats, chmodSync, lchownSync } from "node:fs";
import { isSystemError, type NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath } from "./byte-path.ts";

/**
 * Gives a file, directory, symbolic link or device the owner, mode, extended attributes and times of another. The order
 * matters: chown(2) clears the set-user-id bits and file capabilities, and all of them change the times.
 */
export function copyMetadata(native: NativeSys, from: BytePath, to: BytePath, stats: BigIntStats): void {
  const target = fsPath(to);
  lchownSync(target, Number(stats.uid), Number(stats.gid));
  if (!stats.isSymbolicLink()) chmodSync(target, Number(stats.mode) & 0o7777);
  for (const name of listXattrs(native, from)) {
    // Bookkeeping of overlayfs, not part of the content.
    if (name.startsWith("trusted.overlay.")) continue;
    const value = native.getxattr(fsPath(from), name, false);
    if (value) setXattr(native, to, name, value);
  }
  native.utimens(target, stats.atimeNs, stats.mtimeNs, false);
}

/** Names of all extended attributes, of a symbolic link itself; none on a file system without them. */
export function listXattrs(native: NativeSys, path: BytePath): string[] {
  try {
    return native.listxattr(fsPath(path), false);
  } catch (error) {
    if (isSystemError(error, "ENOTSUP", "EOPNOTSUPP")) return [];
    throw error;
  }
}

/** Sets an extended attribute. An attribute that the file system does not support is left out, as containerd does. */
export function setXattr(native: NativeSys, path: BytePath, name: string, value: Uint8Array): void {
  try {
    native.setxattr(fsPath(path), name, value, 0, false);
  } catch (error) {
    if (!isSystemError(error, "ENOTSUP", "EOPNOTSUPP")) throw error;
  }
}
