import type { NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import { listXattrs, setXattr } from "@gantry/tree-copy/metadata";
import type { TarEntry } from "./tar-header.ts";

/** Sets the extended attributes of an entry. */
export function setEntryXattrs(native: NativeSys, { xattrs }: TarEntry, path: BytePath): void {
  if (!xattrs) return;
  for (const [name, value] of xattrs) {
    // attributes of overlayfs would refer to other layers
    if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) continue;
    setXattr(native, path, name, value);
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
  const ns = BigInt(entry.mtime) * 1_000_000_000n + BigInt(entry.mtimeNanos);
  native.utimens(fsPath(path), ns, ns, follow);
}

/** True for times that Node's functions can set: whole seconds, since they take negative ones for the present time. */
export function isPlainTime({ mtime, mtimeNanos }: TarEntry): boolean {
  return mtimeNanos === 0 && mtime >= 0;
}
