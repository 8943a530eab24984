import { writeSync, writev } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import { fileProblem } from "./file-problem.ts";

/** stdout or stderr. */
export type Target = 1 | 2;

interface Chunk {
  readonly target: Target;
  readonly bytes: Uint8Array;
  /** A message of the program itself: its loss is no failure, since no place is left to report it. */
  readonly isMessage?: boolean;
}

const highWaterBytes = 1 << 20;
const maxBatch = 128;
const firstRetryMs = 1;
const lastRetryMs = 32;

/** Exit status of a program that SIGPIPE ends. */
const brokenPipeExitCode = 141;

/** Standard output or error cannot be written to. */
export class OutputError extends Error {
  override name = "OutputError";
  /** Exit status of a program that ends because of it. */
  readonly exitCode: number = 1;
}

/** The reader of stdout or stderr is gone; the program ends without a message, as if by SIGPIPE. */
export class BrokenPipe extends OutputError {
  override name = "BrokenPipe";
  override readonly exitCode = brokenPipeExitCode;
}

function outputError(target: Target, error: unknown): OutputError {
  const device = target === 2 ? "/dev/stderr" : "/dev/stdout";
  const message = `write ${device}: ${fileProblem(error)}`;
  return (error as NodeJS.ErrnoException).code === "EPIPE" ? new BrokenPipe(message) : new OutputError(message);
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
  /** Targets that cannot be written to any more. */
  readonly #failures = new Map<Target, OutputError>();
  /** The failure by which output was lost. */
  #loss: OutputError | undefined;
  #waiting: (() => void)[] = [];

  /**
   * Queues text or bytes. Await the result: it resolves when the reader has caught up enough.
   * @throws OutputError
   */
  write(target: Target, data: string | Uint8Array): Promise<void> | undefined {
    const failure = this.#failures.get(target);
    if (failure) throw failure;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    return bytes.length === 0 ? undefined : this.#add({ target, bytes });
  }

  #add(chunk: Chunk): Promise<void> | undefined {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.bytes.length;
    if (!this.#writing) {
      this.#writing = true;
      setImmediate(() => this.#flush(firstRetryMs));
    }
    if (this.#queuedBytes <= highWaterBytes) return undefined;
    const caughtUp = this.#room(() => this.#queuedBytes <= highWaterBytes);
    // A caller that does not wait gets a failure from its next write, or at the end.
    caughtUp.catch(() => {});
    return caughtUp;
  }

  /** A line to stdout. */
  print(line: string): void {
    this.write(1, `${line}\n`);
  }

  /** A message to stderr. It is dropped where stderr cannot be written to. */
  printError(line: string): void {
    if (!this.#failures.has(2)) this.#add({ target: 2, bytes: Buffer.from(`${line}\n`), isMessage: true });
  }

  /** Resolves when everything is written. @throws OutputError */
  async drain(): Promise<void> {
    await this.#room(() => this.#queue.length === 0);
  }

  /** Writes the little that is left at once, before the process ends; blocks on a slow reader. @throws OutputError */
  finish(): void {
    for (const chunk of this.#queue.splice(0)) {
      if (this.#failures.has(chunk.target)) continue;
      try {
        writeFully(chunk);
      } catch (error) {
        this.#drop(error as OutputError, chunk);
      }
    }
    if (this.#loss) throw this.#loss;
  }

  /** True when a write is under way, so that `finish` would overtake it. */
  get busy(): boolean {
    return this.#inFlight;
  }

  #inFlight = false;

  async #room(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#loss) throw this.#loss;
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
        // Another program made the shared description non-blocking; to get an event for it would take it over.
        setTimeout(() => this.#flush(Math.min(retryMs * 2, lastRetryMs)), retryMs);
        return;
      }
      if (error) this.#fail(target, error);
      else this.#consume(written);
      for (const resume of this.#waiting.splice(0)) resume();
      this.#flush(firstRetryMs);
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
    if (left > 0 && first) this.#queue[0] = { ...first, bytes: first.bytes.subarray(left) };
  }

  #drop(failure: OutputError, { target, isMessage }: Chunk): void {
    this.#failures.set(target, failure);
    if (!isMessage || failure instanceof BrokenPipe) this.#loss ??= failure;
  }

  /** Drops all output to a target that cannot be written to; the other one is not affected. */
  #fail(target: Target, error: NodeJS.ErrnoException): void {
    const failure = outputError(target, error);
    for (const chunk of this.#queue) if (chunk.target === target) this.#drop(failure, chunk);
    this.#queue = this.#queue.filter((chunk) => chunk.target !== target);
    this.#queuedBytes = this.#queue.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

/**
 * Writes all of it before it returns; blocks on a slow reader. For commands that print a little and end: Node's own
 * process.stdout takes milliseconds to come into being.
 * @throws OutputError
 */
export function writeNow(target: Target, text: string): void {
  writeFully({ target, bytes: Buffer.from(text) });
}

/**
 * Prints a text to stdout; a failure is reported in one sentence on stderr.
 * @param prefix of that sentence, such as "engine: "
 * @returns the exit status
 */
export function printText(prefix: string, text: string): number {
  try {
    writeNow(1, text);
    return 0;
  } catch (error) {
    return reportOutputError(prefix, error);
  }
}

/** Reports a failure that ends a program, the failure of its output among them. @returns the exit status */
export function reportOutputError(prefix: string, error: unknown): number {
  try {
    if (!(error instanceof BrokenPipe)) writeNow(2, `${prefix}${messageOf(error)}\n`);
  } catch {
    // No place is left to report it.
  }
  return error instanceof OutputError ? error.exitCode : 1;
}

function writeFully({ target, bytes }: Chunk): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(target, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw outputError(target, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, firstRetryMs);
    }
  }
}
