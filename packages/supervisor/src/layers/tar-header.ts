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
  if (number(block, 148, 8) !== checksum(block)) throw new TarError("not a tar archive: a header's checksum is wrong");
  const isUstar = block.toString("latin1", 257, 262) === "ustar";
  const prefix = isUstar && block[263] === 0x30 ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    flag: block[156] as number,
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    mtimeNanos: 0,
    linkPath: text(block, 157, 100),
    major: isUstar ? number(block, 329, 8) : 0,
    minor: isUstar ? number(block, 337, 8) : 0,
    xattrs: undefined,
  };
}

/** The sum of all bytes, with the checksum field counted as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at++) sum += block[at] as number;
  for (let at = 156; at < blockSize; at++) sum += block[at] as number;
  return sum;
}

function text(block: Buffer, start: number, length: number): BytePath {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString("latin1", start, end);
}

/** Octal text, or GNU's base-256 when the first bit is set. */
function number(block: Buffer, start: number, length: number): number {
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
