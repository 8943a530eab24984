import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { isSystemError, type NativeSys, SEEK_DATA, SEEK_HOLE } from "@gantry/native-sys";
import { type BytePath, fsPath, readable } from "./byte-path.ts";

const copyBytes = 1 << 20;

/** Makes a directory with the owner, mode, times and attributes of one in a lower layer. */
export function copyDirectory(native: NativeSys, from: BytePath, to: BytePath): void {
  mkdirSync(fsPath(to), 0o700);
  copyMetadata(native, from, to, lstatSync(fsPath(from), { bigint: true }));
}

/** Copies a file or symlink of a lower layer, as overlayfs does before it changes one. */
export function copyNode(native: NativeSys, from: BytePath, to: BytePath): void {
  const stats = lstatSync(fsPath(from), { bigint: true });
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(fsPath(from), "buffer"), fsPath(to));
  else if (stats.isFile()) copyFile(native, from, to, stats);
  else throw new Error(`${readable(to)}: only files of a lower layer can be linked to`);
  copyMetadata(native, from, to, stats);
}

/** Copies content: extents are shared where the file system can, and holes stay holes. */
export function copyFile(native: NativeSys, from: BytePath, to: BytePath, stats: BigIntStats): void {
  if (stats.blocks * 512n >= stats.size) {
    copyFileSync(fsPath(from), fsPath(to), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return;
  }
  try {
    copyFileSync(fsPath(from), fsPath(to), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!isSystemError(error, "ENOTSUP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY", "EOPNOTSUPP")) throw error;
    copySparse(native, from, to, Number(stats.size));
  }
}

function copySparse(native: NativeSys, from: BytePath, to: BytePath, size: number): void {
  const source = openSync(fsPath(from), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = openSync(fsPath(to), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      ftruncateSync(target, size);
      for (const { start, end } of dataOf(native, source, size)) copyRange(source, target, start, end);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Where a file has data, as against holes (lseek(2), SEEK_DATA). */
export function* dataOf(native: NativeSys, fd: number, size: number): Generator<{ start: number; end: number }> {
  for (let at = 0; at < size; ) {
    const start = native.seek(fd, at, SEEK_DATA);
    if (start === null || start >= size) return;
    const end = Math.min(native.seek(fd, start, SEEK_HOLE) ?? size, size);
    yield { start, end };
    at = end;
  }
}

function copyRange(source: number, target: number, start: number, end: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, end - start));
  for (let at = start; at < end; ) {
    const length = readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
    if (length === 0) return;
    for (let done = 0; done < length; ) done += writeSync(target, buffer, done, length - done, at + done);
    at += length;
  }
}

/** Owner, mode, extended attributes and times, in the order in which none undoes another. */
export function copyMetadata(native: NativeSys, from: BytePath, to: BytePath, stats: BigIntStats): void {
  const target = fsPath(to);
  lchownSync(target, Number(stats.uid), Number(stats.gid));
  if (!stats.isSymbolicLink()) chmodSync(target, Number(stats.mode) & 0o7777);
  for (const name of listXattrs(native, from)) {
    if (name.startsWith("trusted.overlay.")) continue;
    const value = native.getxattr(fsPath(from), name, false);
    if (value) setXattr(native, to, name, value);
  }
  native.utimens(target, stats.mtimeNs, stats.mtimeNs, false);
}

/** Names of all attributes; none on a file system without them. */
export function listXattrs(native: NativeSys, path: BytePath): string[] {
  try {
    return native.listxattr(fsPath(path), false);
  } catch (error) {
    if (isSystemError(error, "ENOTSUP", "EOPNOTSUPP")) return [];
    throw error;
  }
}

/** Sets an attribute; one that the file system has no place for is left out, as other stacks do. */
export function setXattr(native: NativeSys, path: BytePath, name: string, value: Uint8Array): void {
  try {
    native.setxattr(fsPath(path), name, value, 0, false);
  } catch (error) {
    if (!isSystemError(error, "ENOTSUP", "EOPNOTSUPP")) throw error;
  }
}
