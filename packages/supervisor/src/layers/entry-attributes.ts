import { isSystemError, type NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import { listXattrs } from "@gantry/tree-copy/metadata";
import type { TarEntry } from "./tar-header.ts";

/** The limits of times in 64-bit nanoseconds. */
const earliest = -(2n ** 63n);
const latestSecond = 9_223_372_035;

/**
 * Sets the extended attributes of an entry, but for those that the file system or this kind of file refuses, as Docker
 * does: a user attribute of a link, say.
 * @param onRefused called with the name and the error of each of those
 */
export function setEntryXattrs(
  native: NativeSys,
  { xattrs }: TarEntry,
  path: BytePath,
  onRefused: (name: string, code: string) => void,
): void {
  if (!xattrs) return;
  for (const [name, value] of xattrs) {
    // attributes of overlayfs would refer to other layers
    if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) continue;
    try {
      native.setxattr(fsPath(path), name, value, 0, false);
    } catch (error) {
      if (!isSystemError(error, "ENOTSUP", "EOPNOTSUPP", "EPERM")) throw error;
      onRefused(name, error.code);
    }
  }
}

/** Removes the attributes of an older directory that the entry does not set. */
export function dropOtherXattrs(native: NativeSys, { xattrs }: TarEntry, path: BytePath): void {
  for (const name of listXattrs(native, path)) {
    if (xattrs?.has(name) || /^(trusted\.overlay\.|security\.)/.test(name)) continue;
    native.removexattr(fsPath(path), name, false);
  }
}

/** Sets the time of an entry to the nanosecond. @param follow set the time of a link's target */
export function setEntryTimes(native: NativeSys, entry: TarEntry, path: BytePath, follow = false): void {
  const exact = BigInt(entry.mtime) * 1_000_000_000n + BigInt(entry.mtimeNanos);
  const ns = exact < earliest ? earliest : exact;
  native.utimens(fsPath(path), ns, ns, follow);
}

/**
 * True for times that are set by Node's functions: whole seconds, since they take negative ones for the present time.
 * Those beyond 64-bit nanoseconds, from 2262 on, lose their fraction.
 */
export function isPlainTime({ mtime, mtimeNanos }: TarEntry): boolean {
  return mtime > latestSecond || (mtimeNanos === 0 && mtime >= 0);
}
