import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { isSystemError, type NativeSys, SEEK_DATA, SEEK_HOLE } from "@gantry/native-sys";
import { type BytePath, fsPath } from "./byte-path.ts";

const pieceBytes = 1 << 20;

/**
 * Copies the content of a file to a new one: extents are shared where the file system can (FICLONE), and holes stay
 * holes. The copy advances with each step of the generator, a piece of at most 1 MiB, so that a caller can do other
 * work in between; a generator that is not run to its end leaves a part of the file.
 */
export function* copyContent(native: NativeSys, from: BytePath, to: BytePath, stats: BigIntStats): Generator<void> {
  const isDense = stats.blocks * 512n >= stats.size;
  if (isDense && stats.size <= pieceBytes) {
    copyFileSync(fsPath(from), fsPath(to), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return;
  }
  try {
    copyFileSync(fsPath(from), fsPath(to), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!isSystemError(error, "ENOTSUP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY", "EOPNOTSUPP")) throw error;
    yield* copyData(native, from, to, Number(stats.size));
  }
}

function* copyData(native: NativeSys, from: BytePath, to: BytePath, size: number): Generator<void> {
  const source = openSync(fsPath(from), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const target = openSync(fsPath(to), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      ftruncateSync(target, size);
      for (const range of dataRanges(native, source, size)) yield* copyRange(source, target, range);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Bytes of a file from `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The ranges of a file that hold data, as against holes (lseek(2), SEEK_DATA). */
export function* dataRanges(native: NativeSys, fd: number, size: number): Generator<ByteRange> {
  for (let at = 0; at < size; ) {
    const start = native.seek(fd, at, SEEK_DATA);
    if (start === null || start >= size) return;
    const end = Math.min(native.seek(fd, start, SEEK_HOLE) ?? size, size);
    yield { start, end };
    at = end;
  }
}

function* copyRange(source: number, target: number, { start, end }: ByteRange): Generator<void> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, end - start));
  for (let at = start; at < end; ) {
    const length = readSync(source, buffer, 0, Math.min(buffer.length, end - at), at);
    if (length === 0) return;
    for (let done = 0; done < length; ) done += writeSync(target, buffer, done, length - done, at + done);
    at += length;
    yield;
  }
}
