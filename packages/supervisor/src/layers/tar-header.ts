import type { BytePath } from "@gantry/tree-copy/byte-path";

/** The type of a tar entry (POSIX pax, "ustar Interchange Format"; GNU's extensions). */
export type EntryType = "file" | "link" | "symlink" | "character" | "block" | "directory" | "fifo";

export interface TarEntry {
  path: BytePath;
  type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content. */
  size: number;
  /** Bytes that follow in the archive, for a file with holes. */
  storedSize?: number;
  /** Whole seconds since 1970, and nanoseconds within. */
  mtime: number;
  mtimeNanos: number;
  /** Target of a link or symlink. */
  linkPath: BytePath;
  major: number;
  minor: number;
  xattrs: Map<string, Buffer> | undefined;
}

/** A header block before extended headers are applied. */
export interface RawHeader extends Omit<TarEntry, "type"> {
  /** The type flag's character code. */
  readonly flag: number;
  /** Bytes of a file with holes, where `size` is what the archive has of it. */
  realSize?: number;
}

/** The tar cannot be read. */
export class TarError extends Error {
  override name = "TarError";
}

export const blockSize = 512;

/** True for a block of zeros: two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  if (block[0] !== 0) return false;
  for (let at = 1; at < blockSize; at++) if (block[at] !== 0) return false;
  return true;
}

/**
 * Reads one header block.
 * @throws TarError for a wrong checksum or a malformed number
 */
export function readHeader(block: Buffer): RawHeader {
  const sum = readNumber(block, 148, 8);
  if (sum !== checksum(block, false) && sum !== checksum(block, true)) {
    throw new TarError("not a tar archive: a header's checksum is wrong");
  }
  const isUstar = block.toString("latin1", 257, 262) === "ustar";
  const prefix = isUstar && block[263] === 0x30 ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    flag: block[156] as number,
    mode: readNumber(block, 100, 8) & 0o7777,
    uid: idOf(readNumber(block, 108, 8)),
    gid: idOf(readNumber(block, 116, 8)),
    size: readNumber(block, 124, 12),
    mtime: readNumber(block, 136, 12),
    mtimeNanos: 0,
    linkPath: text(block, 157, 100),
    major: isUstar ? readNumber(block, 329, 8) : 0,
    minor: isUstar ? readNumber(block, 337, 8) : 0,
    xattrs: undefined,
  };
}

/** The sum of all bytes, with the checksum field counted as spaces. @param isSigned as some old writers counted */
function checksum(block: Buffer, isSigned: boolean): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockSize; at++) {
    if (at >= 148 && at < 156) continue;
    const byte = block[at] as number;
    sum += isSigned && byte > 0x7f ? byte - 0x100 : byte;
  }
  return sum;
}

function text(block: Buffer, start: number, length: number): BytePath {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString("latin1", start, end);
}

/**
 * A user or group id, which some writers store as a signed number of 32 bits: -2 is 4294967294.
 * @throws TarError where the kernel has no such id
 */
export function idOf(value: number): number {
  const id = value < 0 && value >= -0x8000_0000 ? value + 0x1_0000_0000 : value;
  if (id < 0 || id > 0xffff_ffff) throw new TarError(`not a tar archive: ${value} is not a user or group id`);
  return id;
}

/** Octal text, or GNU's base-256 when the first bit is set. */
export function readNumber(block: Buffer, start: number, length: number): number {
  if ((block[start] as number) & 0x80) return binary(block, start, length);
  let value = 0;
  let seen = false;
  for (let at = start; at < start + length; at++) {
    const byte = block[at] as number;
    if (byte >= 0x30 && byte <= 0x37) {
      value = value * 8 + (byte - 0x30);
      seen = true;
    } else if (byte === 0 || byte === 0x20) {
      if (seen) break;
    } else throw new TarError("not a tar archive: a header's number is malformed");
  }
  return value;
}

function binary(block: Buffer, start: number, length: number): number {
  const first = block[start] as number;
  const negative = (first & 0x40) !== 0;
  let value = negative ? (first & 0x7f) - 0x80 : first & 0x3f;
  for (let at = start + 1; at < start + length; at++) value = value * 256 + (block[at] as number);
  if (!Number.isSafeInteger(value)) throw new TarError("not a tar archive: a header's number is too large");
  return value;
}
