import { applyPax, type PaxRecords, readPax } from "./pax.ts";
import { checkSparse, gnuSparseMap, paxSparseMap, SparseContent, type SparseMap } from "./sparse.ts";
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
  S: "file",
};
const oldSparseFlag = "S".charCodeAt(0);
/** The flag of a block of a map, which no header has. */
const sparseFlag = "map";

/**
 * Reads a tar from pieces of any size: ustar, pax, GNU long names, and files with holes. Everything is synchronous, so that small files
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
  /** The file with holes whose map is being read, or then its content. */
  #sparse: { readonly header: RawHeader; map: SparseMap; content?: SparseContent } | undefined;
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
    else if (this.#sparse?.content) this.#sparse.content.data(piece);
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
    else this.#beginEntry(flag, header, block);
  }

  #beginExtended(flag: string, size: number): void {
    if (size < 0 || size > maxExtendedHeader) throw new TarError(`an extended header of ${size} bytes is too large`);
    this.#extended = { flag, parts: [] };
    this.#expect(size);
    if (size === 0) this.#bodyEnd();
  }

  #beginEntry(flag: string, header: RawHeader, block: Buffer): void {
    if (this.#longPath !== undefined) header.path = this.#longPath;
    if (this.#longLink !== undefined) header.linkPath = this.#longLink;
    const pax = this.#pax;
    if (pax) applyPax(header, pax);
    this.#longPath = this.#longLink = this.#pax = undefined;
    const type = typeOf(flag, header);
    if (header.size < 0) throw new TarError(`${header.path}: negative size`);
    const map =
      flag === "S" ? gnuSparseMap(header, block) : type === "file" && pax ? paxSparseMap(header, pax) : undefined;
    if (map) this.#readMap(header, map);
    else this.#emit(header, type);
  }

  #emit(header: RawHeader, type: EntryType): void {
    // Only files have content; some writers set a size for other entries, too.
    const size = type === "file" ? header.size : 0;
    this.#inEntry = true;
    this.#expect(size);
    const { flag: _, realSize, ...fields } = header;
    this.#sink.entry({
      ...fields,
      type,
      ...(realSize === undefined ? { size } : { size: realSize, storedSize: size }),
    });
    if (size === 0) this.#bodyEnd();
  }

  /** Reads the next block of a map, or begins the file once the map is complete. */
  #readMap(header: RawHeader, map: SparseMap): void {
    this.#sparse = { header, map };
    if (map.next) {
      // Blocks of version 1.0 count as content of the file, those of the old GNU format do not.
      if (header.flag !== oldSparseFlag) header.size -= blockSize;
      if (header.size < 0) throw new TarError("unexpected end of the map of a file with holes");
      this.#extended = { flag: sparseFlag, parts: [] };
      this.#expect(blockSize);
      return;
    }
    const { hole } = this.#sink;
    if (!hole) throw new TarError(`${header.path}: files with holes are not read here`);
    checkSparse(header, map.ranges);
    const sink = { data: (chunk: Buffer) => this.#sink.data(chunk), hole: hole.bind(this.#sink) };
    this.#sparse.content = new SparseContent(map.ranges, sink);
    this.#emit(header, "file");
  }

  #expect(size: number): void {
    this.#remaining = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
  }

  #bodyEnd(): void {
    if (this.#inEntry) {
      this.#inEntry = false;
      this.#sparse?.content?.end(this.#sparse.header.realSize ?? 0);
      this.#sparse = undefined;
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
    else if (extended.flag === sparseFlag && this.#sparse?.map.next) {
      this.#readMap(this.#sparse.header, this.#sparse.map.next(body));
    }
    // "g", defaults for all entries, only ever carries comments in layers
  }
}

/** Unlike GNU tar's, a name that ends in "/" makes a directory only in the oldest format, as in Go's reader. */
function typeOf(flag: string, { path }: RawHeader): EntryType {
  const type = types[flag];
  if (type === undefined) throw new TarError(`${path}: unknown entry type "${flag}"`);
  return flag === "\0" && path.endsWith("/") ? "directory" : type;
}

function untilZero(body: Buffer): string {
  const zero = body.indexOf(0);
  return body.toString("latin1", 0, zero < 0 ? body.length : zero);
}
