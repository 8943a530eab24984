import { applyPax, type PaxRecords, readPax } from "./pax.ts";
import type { TarEntry } from "./tar-header.ts";
import { blockSize, type EntryType, isZeroBlock, type RawHeader, readHeader, TarError } from "./tar-header.ts";

export { type EntryType, type TarEntry, TarError } from "./tar-header.ts";

/** Receives each entry in order: `entry`, then its content in pieces, then `entryEnd`. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** A piece of the entry's content, valid only during the call. */
  data(chunk: Buffer): void;
  /** Zeros in a file with holes. A sink without this method gets no such files. */
  hole?(length: number): void;
  entryEnd(): void;
}

/** Extended headers larger than this are refused: they are held in memory. */
const maxExtendedHeader = 4 << 20;

const types: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
};

/**
 * Reads a tar from pieces of any size: ustar, pax and GNU long names. Everything is synchronous, so that small files
 * do not wait for the event loop.
 */
export class TarReader {
  readonly #sink: TarSink;
  /** The start of a header block that continues in the next chunk. */
  readonly #partial = Buffer.alloc(blockSize);
  #partialLength = 0;
  /** Content and padding that are still to come. */
  #remaining = 0;
  #padding = 0;
  /** The extended header that is being read: its type flag, and its body so far. */
  #extended: { flag: string; parts: Buffer[] } | undefined;
  #inEntry = false;
  #longPath: string | undefined;
  #longLink: string | undefined;
  #pax: PaxRecords | undefined;
  #zeroBlocks = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** Reads the next bytes. @throws TarError, or an error of the sink */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#zeroBlocks >= 2) return;
      if (this.#remaining > 0) at = this.#body(chunk, at);
      else if (this.#padding > 0) {
        const skip = Math.min(this.#padding, chunk.length - at);
        this.#padding -= skip;
        at += skip;
      } else at = this.#block(chunk, at);
    }
  }

  /** Ends the archive. @throws TarError when it was truncated */
  finish(): void {
    if (this.#remaining > 0 || this.#extended || (this.#partialLength > 0 && this.#zeroBlocks < 2)) {
      throw new TarError("unexpected end of the tar archive");
    }
  }

  #body(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    const piece = chunk.subarray(at, end);
    this.#remaining -= piece.length;
    if (this.#extended) this.#extended.parts.push(Buffer.from(piece));
    else this.#sink.data(piece);
    if (this.#remaining === 0) this.#bodyEnd();
    return end;
  }

  #block(chunk: Buffer, at: number): number {
    if (this.#partialLength === 0 && chunk.length - at >= blockSize) {
      this.#header(chunk.subarray(at, at + blockSize));
      return at + blockSize;
    }
    const taken = Math.min(blockSize - this.#partialLength, chunk.length - at);
    chunk.copy(this.#partial, this.#partialLength, at, at + taken);
    this.#partialLength += taken;
    if (this.#partialLength === blockSize) {
      this.#partialLength = 0;
      this.#header(this.#partial);
    }
    return at + taken;
  }

  #header(block: Buffer): void {
    if (isZeroBlock(block)) {
      this.#zeroBlocks += 1;
      return;
    }
    this.#zeroBlocks = 0;
    const header = readHeader(block);
    const flag = String.fromCharCode(header.flag);
    if ("xgLK".includes(flag)) this.#beginExtended(flag, header.size);
    else this.#beginEntry(flag, header);
  }

  #beginExtended(flag: string, size: number): void {
    if (size < 0 || size > maxExtendedHeader) throw new TarError(`an extended header of ${size} bytes is too large`);
    this.#extended = { flag, parts: [] };
    this.#expect(size);
    if (size === 0) this.#bodyEnd();
  }

  #beginEntry(flag: string, header: RawHeader): void {
    if (this.#longPath !== undefined) header.path = this.#longPath;
    if (this.#longLink !== undefined) header.linkPath = this.#longLink;
    if (this.#pax) applyPax(header, this.#pax);
    this.#longPath = this.#longLink = this.#pax = undefined;
    let type = types[flag];
    if (type === undefined) throw new TarError(`${header.path}: unknown entry type "${flag}"`);
    if (type === "file" && header.path.endsWith("/")) type = "directory";
    if (header.size < 0) throw new TarError(`${header.path}: negative size`);
    // Only files have content; some writers set a size for other entries, too.
    const size = type === "file" ? header.size : 0;
    this.#inEntry = true;
    this.#expect(size);
    const { flag: _, ...fields } = header;
    this.#sink.entry({ ...fields, type, size });
    if (size === 0) this.#bodyEnd();
  }

  #expect(size: number): void {
    this.#remaining = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
  }

  #bodyEnd(): void {
    if (this.#inEntry) {
      this.#inEntry = false;
      this.#sink.entryEnd();
      return;
    }
    const extended = this.#extended;
    this.#extended = undefined;
    if (!extended) return;
    const body = Buffer.concat(extended.parts);
    if (extended.flag === "x") this.#pax = readPax(body);
    else if (extended.flag === "L") this.#longPath = untilZero(body);
    else if (extended.flag === "K") this.#longLink = untilZero(body);
    // "g", defaults for all entries, only ever carries comments in layers
  }
}

function untilZero(body: Buffer): string {
  const zero = body.indexOf(0);
  return body.toString("latin1", 0, zero < 0 ? body.length : zero);
}
