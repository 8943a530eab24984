import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import type { AppendedPart } from "@gantry/json-log/rotated-file";
import { MFD_CLOEXEC, type NativeSys } from "@gantry/native-sys";

/** Bytes of output that a log has, for each stream. */
export interface Positions {
  readonly stdout: number;
  readonly stderr: number;
}

/** inode, before, offset, length, total, stdout, stderr */
const fieldCount = 7;
const headerSize = fieldCount * 8;
/** Where the block of lines is. */
const blockAt = 4096;

interface Header extends AppendedPart, Positions {
  /** Bytes of the block. */
  readonly total: number;
}

/**
 * The log's last append, in a memory file that the keeper holds, written before the append itself: the lines, where
 * they go, and how much of the output the log has then. The next shim compares that with the log's size: so it knows
 * how far a killed one came, and appends exactly the rest.
 */
export class LogProgress {
  readonly fd: number;
  #staged: Positions & { readonly total: number } = { stdout: 0, stderr: 0, total: 0 };

  constructor(fd: number) {
    this.fd = fd;
  }

  static create(sys: NativeSys): LogProgress {
    return new LogProgress(sys.memfdCreate("log-progress", MFD_CLOEXEC));
  }

  /** The next append: its lines, and what the log has after it. */
  stage(lines: Uint8Array, positions: Positions): void {
    writeSync(this.fd, lines, 0, lines.length, blockAt);
    this.#staged = { ...positions, total: lines.length };
  }

  /** A part of the staged lines is about to be appended to one file. */
  intend({ inode, before, offset, length }: AppendedPart): void {
    const { stdout, stderr, total } = this.#staged;
    this.#write([inode, before, offset, length, total, stdout, stderr]);
  }

  /** Nothing is left to append of the staged lines: they are in the log, or lost. */
  settle(): void {
    const { stdout, stderr } = this.#staged;
    this.#write([0, 0, 0, 0, 0, stdout, stderr]);
    if (this.#staged.total > 0) ftruncateSync(this.fd, blockAt);
  }

  /** Bytes that an earlier shim staged, and the part of them that its log lacks. */
  left(log: { readonly inode: number; readonly size: number }): {
    readonly positions: Positions;
    readonly lines: Buffer;
  } {
    const { inode, before, offset, length, total, stdout, stderr } = this.#read();
    // In another file, the append was complete: a file is set aside only then. A smaller one was cut by someone else.
    const isSame = inode === log.inode && log.size >= before;
    const done = offset + (isSame ? Math.min(log.size - before, length) : length);
    const lines = Buffer.alloc(total - done);
    readSync(this.fd, lines, 0, lines.length, blockAt + done);
    this.#staged = { stdout, stderr, total };
    return { positions: { stdout, stderr }, lines };
  }

  close(): void {
    closeSync(this.fd);
  }

  /** One write within a page, which no kill divides. */
  #write(fields: readonly number[]): void {
    const header = Buffer.alloc(headerSize);
    for (const [index, value] of fields.entries()) header.writeBigUInt64LE(BigInt(value), index * 8);
    writeSync(this.fd, header, 0, headerSize, 0);
  }

  #read(): Header {
    const header = Buffer.alloc(headerSize);
    if (fstatSync(this.fd).size > 0) readSync(this.fd, header, 0, headerSize, 0);
    const field = (index: number) => Number(header.readBigUInt64LE(index * 8));
    const [inode, before, offset, length] = [field(0), field(1), field(2), field(3)];
    return { inode, before, offset, length, total: field(4), stdout: field(5), stderr: field(6) };
  }
}
