import { writeSync, writev } from "node:fs";

/** stdout or stderr. */
export type Target = 1 | 2;

interface Chunk {
  readonly target: Target;
  readonly bytes: Uint8Array;
}

const highWaterBytes = 1 << 20;
const maxBatch = 128;
const firstRetryMs = 1;
const lastRetryMs = 32;

/** Exit status of a program whose reader is gone, as of one that SIGPIPE ends. */
export const brokenPipeExitCode = 141;

/** The reader of stdout or stderr is gone; the program ends quietly, as one that SIGPIPE ends. */
export class BrokenPipe extends Error {
  override name = "BrokenPipe";
}

/**
 * Standard output and error, written to in the order in which things happen.
 * Bytes go from the message to the file descriptor as they are; the event loop stays free while a slow
 * reader is waited for, so that signals and detach keys still work then.
 */
export class Output {
  #queue: Chunk[] = [];
  #queuedBytes = 0;
  #writing = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  /** Queues text or bytes. Await the result: it resolves when the reader has caught up enough. @throws BrokenPipe */
  write(target: Target, data: string | Uint8Array): Promise<void> | undefined {
    if (this.#failure) throw this.#failure;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (bytes.length === 0) return undefined;
    this.#queue.push({ target, bytes });
    this.#queuedBytes += bytes.length;
    if (!this.#writing) {
      this.#writing = true;
      setImmediate(() => this.#flush(firstRetryMs));
    }
    return this.#queuedBytes > highWaterBytes ? this.#room(() => this.#queuedBytes <= highWaterBytes) : undefined;
  }

  /** A line to stdout. */
  print(line: string): void {
    this.write(1, `${line}\n`);
  }

  /** A line to stderr. */
  printError(line: string): void {
    this.write(2, `${line}\n`);
  }

  /** Resolves when everything is written. @throws BrokenPipe */
  async drain(): Promise<void> {
    await this.#room(() => this.#queue.length === 0);
  }

  /** Writes what little is left at once, before the process ends; blocks on a reader that is slow. */
  finish(): void {
    for (const chunk of this.#queue.splice(0)) writeFully(chunk);
  }

  /** True when a write is under way, so that `finish` would overtake it. */
  get busy(): boolean {
    return this.#inFlight;
  }

  #inFlight = false;

  async #room(enough: () => boolean): Promise<void> {
    while (!this.#failure && !enough()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failure) throw this.#failure;
  }

  #flush(retryMs: number): void {
    const batch = this.#nextBatch();
    const target = batch[0]?.target;
    if (target === undefined) {
      this.#writing = false;
      return;
    }
    this.#inFlight = true;
    const done = (error: NodeJS.ErrnoException | null, written: number): void => {
      this.#inFlight = false;
      if (error?.code === "EAGAIN") {
        // someone else made the shared description non-blocking; there is no event for it without taking it over
        setTimeout(() => this.#flush(Math.min(retryMs * 2, lastRetryMs)), retryMs);
        return;
      }
      if (error) this.#fail(error);
      else this.#consume(written);
      for (const resume of this.#waiting.splice(0)) resume();
      if (!error) this.#flush(firstRetryMs);
    };
    writev(
      target,
      batch.map((chunk) => chunk.bytes),
      null,
      done,
    );
  }

  #nextBatch(): Chunk[] {
    const target = this.#queue[0]?.target;
    let length = 0;
    while (length < maxBatch && this.#queue[length]?.target === target && length < this.#queue.length) length++;
    return this.#queue.slice(0, length);
  }

  #consume(written: number): void {
    this.#queuedBytes -= written;
    let left = written;
    let whole = 0;
    for (const { bytes } of this.#queue) {
      if (bytes.length > left) break;
      left -= bytes.length;
      whole++;
    }
    this.#queue.splice(0, whole);
    const first = this.#queue[0];
    if (left > 0 && first) this.#queue[0] = { target: first.target, bytes: first.bytes.subarray(left) };
  }

  #fail(error: NodeJS.ErrnoException): void {
    const name = this.#queue[0]?.target === 2 ? "stderr" : "stdout";
    this.#failure = error.code === "EPIPE" ? new BrokenPipe(name) : new Error(`writing to ${name}: ${error.message}`);
    this.#queue = [];
    this.#queuedBytes = 0;
  }
}

/**
 * Writes all of it before it returns; blocks on a reader that is slow. For commands that print a little and end:
 * Node's own process.stdout takes milliseconds to come into being.
 * @throws BrokenPipe
 */
export function writeNow(target: Target, text: string): void {
  writeFully({ target, bytes: Buffer.from(text) });
}

function writeFully({ target, bytes }: Chunk): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(target, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") throw new BrokenPipe(target === 2 ? "stderr" : "stdout");
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, firstRetryMs);
    }
  }
}
