import type { Clock } from "../clock.ts";
import type { RotatedFile } from "./file.ts";
import { type Block, LineEncoder } from "./lines.ts";

/** One block of encoded lines: what one write takes. */
const blockSize = 256 * 1024;
/** Encoded bytes that may wait for the disk before the process is slowed. */
const waitingLimit = 1024 * 1024;
/** How long a block is kept for the next output. */
const idleMs = 1000;

export interface JsonFileLogOptions {
  readonly file: RotatedFile;
  readonly clock: Clock;
  readonly attrs?: Readonly<Record<string, string>> | undefined;
  /** Told when lines were lost because the file could not be written; once per run of failures. */
  readonly onError: (error: Error) => void;
}

/**
 * The log of one process in Docker's json-file format. Lines are encoded at once into blocks; blocks are
 * written one at a time by the thread pool, so that a slow disk slows the process and nothing else.
 */
export class JsonFileLog {
  readonly #options: JsonFileLogOptions;
  readonly #encoders: Record<"stdout" | "stderr", LineEncoder>;
  #current: Block | undefined;
  #spare: Buffer | undefined;
  readonly #full: Block[] = [];
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #failing = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: JsonFileLogOptions) {
    this.#options = options;
    const target = { reserve: (bytes: number) => this.#reserve(bytes) };
    this.#encoders = {
      stdout: new LineEncoder(target, "stdout", options.attrs),
      stderr: new LineEncoder(target, "stderr", options.attrs),
    };
  }

  /** Logs a chunk, which may be reused afterwards. @returns nothing, or what to wait for before the next chunk */
  write(stream: "stdout" | "stderr", chunk: Buffer): Promise<void> | undefined {
    this.#encoders[stream].write(chunk, this.#options.clock.now());
    return this.#kick();
  }

  /** The stream has ended: an unfinished line is written as it is. */
  end(stream: "stdout" | "stderr"): void {
    this.#encoders[stream].end(this.#options.clock.now());
    this.#kick();
  }

  /** Resolves once all that was logged before is in the file. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#idle);
    this.#current = undefined;
    this.#spare = undefined;
    this.#options.file.close();
  }

  #kick(): Promise<void> | undefined {
    if (!this.#writing && this.#current && this.#current.used > 0) {
      this.#writing = this.#writeAll().finally(() => {
        this.#writing = undefined;
        this.#kick();
        this.#restLater();
      });
    }
    return this.#waiting + (this.#current?.used ?? 0) > waitingLimit ? this.#writing : undefined;
  }

  #reserve(bytes: number): Block {
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
