import type { Clock } from "@gantry/common/clock";
import type { Block, Encoder, EncoderTarget } from "@gantry/json-log/encoder";
import type { RotatedFile } from "@gantry/json-log/rotated-file";
import type { LogProgress, Positions } from "./progress.ts";

/** Size of a block of encoded lines, which is written at once. */
const blockSize = 256 * 1024;
/** Encoded bytes that may wait for the disk before the process is slowed down. */
const waitingLimit = 1024 * 1024;
/** An unused block is released after this time. */
const idleMs = 1000;

export type StreamName = "stdout" | "stderr";

/** A block that is complete, and what the log has of the output once it is written. */
interface FullBlock extends Block {
  readonly positions: Positions;
}

export interface FileLogOptions {
  readonly file: RotatedFile;
  readonly clock: Clock;
  /** Makes the encoder of a stream: the log's format. */
  readonly encoder: (target: EncoderTarget, stream: StreamName, start: number) => Encoder;
  /**
   * Bytes that may wait for the disk in non-blocking mode: output beyond them is dropped, as Docker does.
   * Without it the process is slowed down instead.
   */
  readonly maxBufferSize?: number | undefined;
  /** Records each append for a later shim; without it a killed shim's append may be lost or half. */
  readonly progress?: LogProgress | undefined;
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
  readonly #full: FullBlock[] = [];
  #left: Buffer | undefined;
  #written: Positions = { stdout: 0, stderr: 0 };
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failing = false;
  #idle: NodeJS.Timeout | undefined;
  #needsSettling = false;
  /** Called when output was written, or lost. */
  onWritten: ((positions: Positions) => void) | undefined;

  constructor(options: FileLogOptions) {
    this.#options = options;
    const { progress, file, encoder } = options;
    if (progress) ({ positions: this.#written, lines: this.#left } = progress.left(file.current));
    const target = { reserve: (most: number, likely: number) => this.#reserve(most, likely) };
    const { stdout, stderr } = this.#written;
    this.#encoders = { stdout: encoder(target, "stdout", stdout), stderr: encoder(target, "stderr", stderr) };
  }

  /** The progress's descriptor, for the keeper. */
  get progressFd(): number | undefined {
    return this.#options.progress?.fd;
  }

  /** Bytes of output that are in the file; after another shim once `resume` was called. */
  get written(): Positions {
    return this.#written;
  }

  /** Completes the append in which an earlier shim was killed. */
  async resume(): Promise<void> {
    const lines = this.#left;
    this.#left = undefined;
    if (lines && lines.length > 0) await this.#append({ bytes: lines, used: lines.length, positions: this.#written });
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
    this.#options.progress?.close();
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
    const positions = { stdout: this.#encoders.stdout.emitted, stderr: this.#encoders.stderr.emitted };
    this.#full.push({ ...this.#current, positions });
    this.#waiting += this.#current.used;
    this.#current = undefined;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      if (this.#full.length === 0) this.#setAside();
      const block = this.#full.shift();
      if (!block) return;
      await this.#append(block);
      this.#waiting -= block.used;
      this.#spare = block.bytes;
    }
  }

  async #append({ bytes, used, positions }: FullBlock): Promise<void> {
    const { file, progress } = this.#options;
    const lines = bytes.subarray(0, used);
    this.#needsSettling = true;
    try {
      progress?.stage(lines, positions);
      await file.append(lines, progress && ((part) => progress.intend(part)));
      this.#failing = false;
    } catch (error) {
      progress?.settle();
      if (!this.#failing) this.#options.onError(error as Error);
      this.#failing = true;
    }
    this.#written = positions;
    this.onWritten?.(positions);
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
      if (this.#needsSettling) this.#options.progress?.settle();
      this.#needsSettling = false;
    }, idleMs);
    this.#idle.unref();
  }
}
