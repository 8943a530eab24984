import { closeSync, readSync } from "node:fs";
import { type FdWatch, type NativeSys, POLLIN } from "@gantry/native-sys";
import type { Sink } from "./sink.ts";
import type { Spool } from "./spool.ts";

/** As much as a pipe holds. */
const chunkSize = 64 * 1024;
/** Full chunks read before other events are handled. */
const chunksPerTurn = 8;
/** Most that is read at the exit of a process without waiting for slow readers. */
const drainLimit = 4 * 1024 * 1024;

/** The buffer that all outputs of a shim are read into, allocated by the first read. */
export class ReadBuffer {
  #bytes: Buffer | undefined;

  get bytes(): Buffer {
    this.#bytes ??= Buffer.allocUnsafeSlow(chunkSize);
    return this.#bytes;
  }
}

/**
 * One output of a process (a pipe, or a terminal's master), read without blocking and handed to every sink.
 * Reading pauses while a sink is full: so a slow reader slows the process. Without sinks output is discarded.
 */
export class Output {
  readonly #sys: NativeSys;
  readonly #buffer: ReadBuffer;
  readonly #sinks = new Set<Sink>();
  readonly #ended = Promise.withResolvers<void>();
  #fd = -1;
  #watch: FdWatch | undefined;
  #spool: Spool | undefined;
  #busy = 0;
  #paused = false;
  #over = false;
  #lastRead = 0;

  constructor(sys: NativeSys, buffer: ReadBuffer) {
    this.#sys = sys;
    this.#buffer = buffer;
  }

  /** Resolves at end of file, or when it was closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** When bytes came last, on the clock of performance.now(). */
  get lastRead(): number {
    return this.#lastRead;
  }

  /**
   * Starts to read; takes the descriptor over.
   * @param spool what the bytes go through, for a log that loses none when this shim is killed
   */
  open(fd: number, spool?: Spool): void {
    this.#fd = fd;
    this.#spool = spool;
    this.#sys.setNonBlocking(fd, true);
    this.#watch = this.#sys.watchFd(fd, POLLIN, () => this.#onReadable());
  }

  /** Adds a sink for output that is read from now on. */
  add(sink: Sink): void {
    if (this.#over) sink.end();
    else this.#sinks.add(sink);
  }

  remove(sink: Sink): void {
    this.#sinks.delete(sink);
  }

  /** Reads the available output without regard to slow readers: at most a pipe's content once its writers are dead. */
  drain(): void {
    for (let total = 0; total < drainLimit && !this.#over && this.#fd >= 0; ) {
      const length = this.#readOnce();
      if (length < 0) return;
      total += length;
    }
  }

  /** Delivers what an earlier shim has taken from the process and not written to the log. */
  replay(spool: Spool): void {
    for (const { bytes } = this.#buffer; spool.pending > 0; ) this.#deliver(bytes.subarray(0, spool.next(bytes)));
  }

  /** Releases what the log has. @param written bytes from the beginning of the output */
  release(written: number): void {
    this.#spool?.release(written);
  }

  /** Stops reading; later output is lost. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#watch?.close();
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#spool?.close();
    this.#spool = undefined;
    for (const sink of this.#sinks) sink.end();
    this.#sinks.clear();
    this.#ended.resolve();
  }

  #onReadable(): void {
    if (this.#busy > 0) {
      this.#paused = true;
      this.#watch?.setEvents(0);
      return;
    }
    for (let turn = 0; turn < chunksPerTurn; turn++) {
      // A short read has most likely emptied the pipe: a poll is cheaper than a read that fails.
      if (this.#readOnce() < chunkSize || this.#busy > 0) return;
    }
  }

  /** @returns bytes read and delivered, 0 at the end, -1 when nothing is there now */
  #readOnce(): number {
    const { bytes } = this.#buffer;
    const length = this.#spool ? this.#spool.take(this.#fd, bytes) : readNow(this.#fd, bytes);
    if (length > 0) this.#deliver(bytes.subarray(0, length));
    else if (length === 0) this.close();
    return length;
  }

  #deliver(chunk: Buffer): void {
    this.#lastRead = performance.now();
    for (const sink of this.#sinks) {
      const room = sink.write(chunk);
      if (!room) continue;
      this.#busy += 1;
      const release = () => this.#release();
      room.then(release, release);
    }
  }

  #release(): void {
    this.#busy -= 1;
    if (this.#busy > 0 || !this.#paused || this.#over) return;
    this.#paused = false;
    this.#watch?.setEvents(POLLIN);
  }
}

function readNow(fd: number, bytes: Buffer): number {
  try {
    return readSync(fd, bytes, 0, bytes.length, null);
  } catch (error) {
    // Any other failure is the end: a terminal's master answers EIO once its other side is closed.
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? -1 : 0;
  }
}
