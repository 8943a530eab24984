import { closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import type { NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import { listXattrs } from "@gantry/tree-copy/metadata";
import type { ViewNode } from "./merged-view.ts";

const compareBytes = 256 << 10;

/**
 * True when a file did not change. Content is compared byte by byte even where size and time are equal, since both can
 * be set at will.
 */
export function isSame(native: NativeSys, one: ViewNode, other: ViewNode, withTime = true): boolean {
  if (one.path === other.path) return true;
  const [a, b] = [one.stats, other.stats];
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false;
  if (withTime && a.mtimeNs !== b.mtimeNs) return false;
  if (!sameXattrs(native, one.path, other.path)) return false;
  if (a.isSymbolicLink()) return link(one.path).equals(link(other.path));
  return !a.isFile() || (a.size === b.size && sameContent(one.path, other.path));
}

/** Attributes that belong in a layer: not those of overlayfs, of the host's security policy, or of its file system. */
export function layerXattrs(native: NativeSys, path: BytePath): [name: string, value: Buffer][] {
  const kept = listXattrs(native, path).filter(
    (name) =>
      !name.includes("=") && !/^(trusted\.overlay\.|user\.overlay\.|security\.(?!capability$)|btrfs\.)/.test(name),
  );
  return kept.sort().flatMap((name) => {
    const value = native.getxattr(fsPath(path), name, false);
    return value === null ? [] : [[name, value]];
  });
}

function sameXattrs(native: NativeSys, one: BytePath, other: BytePath): boolean {
  const [left, right] = [layerXattrs(native, one), layerXattrs(native, other)];
  return (
    left.length === right.length &&
    left.every(([name, value], at) => right[at]?.[0] === name && right[at]?.[1].equals(value))
  );
}

function link(path: BytePath): Buffer {
  return readlinkSync(fsPath(path), "buffer");
}

function sameContent(one: BytePath, other: BytePath): boolean {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const left = openSync(fsPath(one), flags);
  try {
    const right = openSync(fsPath(other), flags);
    try {
      return sameBytes(left, right);
    } finally {
      closeSync(right);
    }
  } finally {
    closeSync(left);
  }
}

function sameBytes(left: number, right: number): boolean {
  const [a, b] = [Buffer.allocUnsafe(compareBytes), Buffer.allocUnsafe(compareBytes)];
  for (let at = 0; ; ) {
    const [read, also] = [readSync(left, a, 0, compareBytes, at), readSync(right, b, 0, compareBytes, at)];
    if (read !== also || a.compare(b, 0, read, 0, read) !== 0) return false;
    if (read === 0) return true;
    at += read;
  }
}
