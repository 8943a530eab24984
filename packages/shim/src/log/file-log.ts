import type { Clock } from "@gantry/common/clock";
import type { Block, Encoder, EncoderTarget } from "@gantry/json-log/encoder";
import type { RotatedFile } from "@gantry/json-log/rotated-file";

/** Size of a block of encoded lines, which is written at once. */
const blockSize = 256 * 1024;
/** Encoded bytes that may wait for the disk before the process is slowed down. */
const waitingLimit = 1024 * 1024;
/** An unused block is released after this time. */
const idleMs = 1000;

export type StreamName = "stdout" | "stderr";

export interface FileLogOptions {
  readonly file: RotatedFile;
  readonly clock: Clock;
  /** Makes the encoder of a stream: the log's format. */
  readonly encoder: (target: EncoderTarget, stream: StreamName) => Encoder;
  /**
   * Bytes that may wait for the disk in non-blocking mode: output beyond them is dropped, as Docker does.
   * Without it the process is slowed down instead.
   */
  readonly maxBufferSize?: number | undefined;
  /** Called when lines are lost because the file cannot be written; once per run of failures. */
  readonly onError: (error: Error) => void;
}

/**
 * The log of one process in a file. Output is encoded at once into blocks; blocks are written one at a time by the
 * thread pool, so that a slow disk slows the process, if it may, and nothing else.
 */
export class FileLog {
  readonly #options: FileLogOptions;
  readonly #encoders: Record<StreamName, Encoder>;
  #current: Block | undefined;
  #spare: Buffer | undefined;
  readonly #full: Block[] = [];
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failing = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: FileLogOptions) {
    this.#options = options;
    const target = { reserve: (most: number, likely: number) => this.#reserve(most, likely) };
    this.#encoders = { stdout: options.encoder(target, "stdout"), stderr: options.encoder(target, "stderr") };
  }

  /** Logs a chunk, which may be reused afterwards. @returns a promise to wait for before the next chunk, if needed */
  write(stream: StreamName, chunk: Buffer): Promise<void> | undefined {
    this.#encoders[stream].write(chunk, this.#options.clock.now());
    return this.#kick();
  }

  /** The stream has ended: an unfinished line is written as it is. */
  end(stream: StreamName): void {
    this.#encoders[stream].end(this.#options.clock.now());
    this.#kick();
  }

  /** Resolves once all earlier output is in the file. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#idle);
    this.#current = undefined;
    this.#spare = undefined;
    await this.#options.file.close();
  }

  #kick(): Promise<void> | undefined {
    if (!this.#writing && this.#current && this.#current.used > 0) {
      this.#writing = this.#writeAll().finally(() => {
        this.#writing = undefined;
        this.#kick();
        this.#restLater();
      });
    }
    const isFull = this.#options.maxBufferSize === undefined && this.#pending > waitingLimit;
    return isFull ? this.#writing : undefined;
  }

  /** Encoded bytes that are not in the file yet. */
  get #pending(): number {
    return this.#waiting + (this.#current?.used ?? 0);
  }

  #reserve(bytes: number, likely: number): Block | undefined {
    const { maxBufferSize } = this.#options;
    // However small the buffer, one message fits when nothing waits.
    if (maxBufferSize !== undefined && this.#pending > 0 && this.#pending + likely > maxBufferSize) return undefined;
    if (this.#current && this.#current.bytes.length - this.#current.used >= bytes) return this.#current;
    this.#setAside();
    const wanted = Math.max(blockSize, bytes);
    const reused = this.#spare && this.#spare.length >= wanted ? this.#spare : undefined;
    if (reused) this.#spare = undefined;
    this.#current = { bytes: reused ?? Buffer.allocUnsafeSlow(wanted), used: 0 };
    return this.#current;
  }

  #setAside(): void {
    if (!this.#current || this.#current.used === 0) return;
    this.#full.push(this.#current);
    this.#waiting += this.#current.used;
    this.#current = undefined;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      if (this.#full.length === 0) this.#setAside();
      const block = this.#full.shift();
      if (!block) return;
      await this.#append(block.bytes.subarray(0, block.used));
      this.#waiting -= block.used;
      this.#spare = block.bytes;
    }
  }

  async #append(lines: Buffer): Promise<void> {
    try {
      await this.#options.file.append(lines);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.onError(error as Error);
      this.#failing = true;
    }
  }

  #restLater(): void {
    if (this.#idle) {
      this.#idle.refresh();
      return;
    }
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      if (this.#writing) return;
      this.#spare = undefined;
      if (this.#current?.used === 0) this.#current = undefined;
    }, idleMs);
    this.#idle.unref();
  }
}
