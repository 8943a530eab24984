import type { PaxRecords } from "./pax.ts";
import { type RawHeader, readNumber, TarError } from "./tar-header.ts";

/** A range of a file that the archive has the bytes of; between two of them is a hole. */
export interface SparseRange {
  readonly offset: number;
  readonly length: number;
}

/** More ranges than files have; each takes some 16 bytes of the archive. */
const maxRanges = 1 << 18;
const rangesInHeader = 4;
const rangesInBlock = 21;
const rangeBytes = 24;

/**
 * The map of a file with holes, as far as it has been read (GNU tar manual, "Sparse Formats"): in the pax records of
 * versions 0.0 and 0.1; in blocks that follow in pax version 1.0 and in the old GNU format.
 */
export interface SparseMap {
  readonly ranges: readonly SparseRange[];
  /** Takes the next block of the map; undefined: it is complete. */
  readonly next: ((block: Buffer) => SparseMap) | undefined;
}

/** The map of a file whose pax header says that it has holes; undefined for any other. Name and size become the file's. */
export function paxSparseMap(header: RawHeader, records: PaxRecords): SparseMap | undefined {
  const text = (key: string) => records.get(`GNU.sparse.${key}`)?.toString("latin1");
  const version = `${text("major") ?? "0"}.${text("minor") ?? "0"}`;
  const map = text("map");
  if (version !== "1.0" && map === undefined) return undefined;
  header.path = text("name") || header.path;
  header.realSize = decimal(header, text("realsize") ?? text("size") ?? "");
  if (version === "1.0") return textRanges(header);
  return { ranges: rangesOf(header, map === "" ? [] : (map ?? "").split(",")), next: undefined };
}

/** The map of a header of type "S", the old GNU format. The size becomes the file's. */
export function gnuSparseMap(header: RawHeader, block: Buffer): SparseMap {
  header.realSize = readNumber(block, 483, 12);
  return binaryRanges([], block, { at: 386, count: rangesInHeader, continued: 482 });
}

/** @throws TarError unless the ranges ascend, end within the file, and have as many bytes as the archive has */
export function checkSparse(header: RawHeader, ranges: readonly SparseRange[]): void {
  const { path, realSize = 0, size } = header;
  let end = 0;
  let stored = 0;
  for (const { offset, length } of ranges) {
    if (offset < end || length < 0) throw malformed(header);
    end = offset + length;
    stored += length;
  }
  if (end > realSize || stored !== size) throw new TarError(`${path}: the map of its holes does not match its size`);
}

/** Version 1.0: the number of ranges and then two numbers each, every one on a line, padded to whole blocks. */
function textRanges(header: RawHeader): SparseMap {
  const parts: string[] = [];
  let lines = 0;
  let count: number | undefined;
  const next = (block: Buffer): SparseMap => {
    const text = block.toString("latin1");
    count ??= decimal(header, text.slice(0, Math.max(text.indexOf("\n"), 0)));
    if (count > maxRanges) throw tooMany(header);
    parts.push(text);
    lines += text.split("\n").length - 1;
    if (lines <= 2 * count) {
      if (parts.length > 1 + count / 10) throw malformed(header); // ten ranges of the longest numbers fill a block
      return { ranges: [], next };
    }
    // The text behind the last line is padding.
    const numbers = parts.join("").split("\n");
    return { ranges: rangesOf(header, numbers.slice(1, 1 + 2 * count)), next: undefined };
  };
  return { ranges: [], next };
}

function rangesOf(header: RawHeader, numbers: readonly string[]): SparseRange[] {
  if (numbers.length / 2 > maxRanges) throw tooMany(header);
  if (numbers.length % 2 !== 0) throw malformed(header);
  const ranges: SparseRange[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    ranges.push({
      offset: decimal(header, numbers[at] as string),
      length: decimal(header, numbers[at + 1] as string),
    });
  }
  return ranges;
}

interface BinaryPlace {
  readonly at: number;
  readonly count: number;
  /** Place of the byte that says whether a block of more ranges follows. */
  readonly continued: number;
}

function binaryRanges(ranges: SparseRange[], block: Buffer, place: BinaryPlace): SparseMap {
  for (let index = 0; index < place.count; index++) {
    const at = place.at + index * rangeBytes;
    if (block[at] === 0) break;
    ranges.push({ offset: readNumber(block, at, 12), length: readNumber(block, at + 12, 12) });
  }
  if (ranges.length > maxRanges) throw new TarError("a file in the tar archive has too many holes");
  if (block[place.continued] === 0) return { ranges, next: undefined };
  const following = { at: 0, count: rangesInBlock, continued: rangesInBlock * rangeBytes };
  return { ranges, next: (more) => binaryRanges(ranges, more, following) };
}

function decimal(header: RawHeader, text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) throw malformed(header);
  return value;
}

function malformed({ path }: RawHeader): TarError {
  return new TarError(`${path}: the map of its holes is malformed`);
}

function tooMany({ path }: RawHeader): TarError {
  return new TarError(`${path}: it has too many holes`);
}

/** Distributes the bytes that an archive has of a file with holes to their places in the file. */
export class SparseContent {
  readonly #ranges: readonly SparseRange[];
  readonly #sink: { data(chunk: Buffer): void; hole(length: number): void };
  #index = 0;
  /** Place in the file. */
  #at = 0;

  constructor(ranges: readonly SparseRange[], sink: { data(chunk: Buffer): void; hole(length: number): void }) {
    this.#ranges = ranges.filter(({ length }) => length > 0);
    this.#sink = sink;
  }

  data(chunk: Buffer): void {
    for (let taken = 0; taken < chunk.length; ) {
      const range = this.#ranges[this.#index] as SparseRange;
      this.#hole(range.offset);
      const end = range.offset + range.length;
      const piece = chunk.subarray(taken, taken + end - this.#at);
      this.#sink.data(piece);
      taken += piece.length;
      this.#at += piece.length;
      if (this.#at === end) this.#index += 1;
    }
  }

  /** The hole at the end of the file, if there is one. */
  end(size: number): void {
    this.#hole(size);
  }

  #hole(until: number): void {
    if (until > this.#at) this.#sink.hole(until - this.#at);
    this.#at = Math.max(this.#at, until);
  }
}
