import { createHash, type Hash } from "node:crypto";
import { closeSync, createReadStream, fsync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { invalidArgument } from "../errors.ts";

const fsyncAsync = promisify(fsync);

export interface IngestOptions {
  readonly path: string;
  /** sha256, sha512 */
  readonly algorithm: string;
  /** The name of a resumable ingest, whose bytes stay when its writer ends. */
  readonly ref?: string | undefined;
  /** Called once, when the ingest is closed. @param isDiscarded its bytes are removed */
  readonly onClose?: (isDiscarded: boolean) => void;
}

/** A blob while it is written: a file of its own, and the digest of its bytes so far. */
export class Ingest implements Disposable {
  readonly path: string;
  readonly ref: string | undefined;
  readonly #fd: number;
  readonly #algorithm: string;
  readonly #onClose: (isDiscarded: boolean) => void;
  #hash: Hash;
  #size = 0;
  #digest: string | undefined;
  #isOpen = true;
  #syncing: Promise<void> | undefined;

  constructor(options: IngestOptions) {
    this.path = options.path;
    this.ref = options.ref;
    this.#algorithm = options.algorithm;
    this.#onClose = options.onClose ?? (() => {});
    this.#hash = createHash(this.#algorithm);
    this.#fd = openSync(this.path, options.ref === undefined ? "wx" : "a", 0o600);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /** Reads the bytes that an earlier writer left in the file, to compute their digest again. */
  async resume(): Promise<void> {
    for await (const chunk of createReadStream(this.path, { highWaterMark: 1 << 20 })) {
      this.#hash.update(chunk as Buffer);
      this.#size += (chunk as Buffer).length;
    }
  }

  /** Drops all bytes. */
  restart(): void {
    ftruncateSync(this.#fd, 0);
    this.#hash = createHash(this.#algorithm);
    this.#size = 0;
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** The digest of all bytes. Nothing can be written once it was read. */
  get digest(): string {
    this.#digest ??= `${this.#algorithm}:${this.#hash.digest("hex")}`;
    return this.#digest;
  }

  /** Compares size and digest with the expected ones. @throws RpcError InvalidArgument naming both */
  check(expected: { digest?: string | undefined; size?: number | undefined }): void {
    if (expected.size !== undefined && expected.size !== this.#size) {
      throw invalidArgument(
        `wrong size of ${expected.digest ?? this.digest}: it should have ${expected.size} bytes and has ${this.#size}`,
      );
    }
    if (expected.digest !== undefined && expected.digest !== this.digest) {
      throw invalidArgument(`wrong digest: the content should be ${expected.digest} and is ${this.digest}`);
    }
  }

  /** Starts to sync the file to disk; `finish` waits for the end. */
  sync(): void {
    this.#syncing ??= fsyncAsync(this.#fd);
    this.#syncing.catch(() => {});
  }

  /** Syncs the file to disk. */
  async finish(): Promise<void> {
    this.sync();
    await this.#syncing;
  }

  /** Ends the writing. The bytes of a resumable ingest stay for the next writer, others are removed. */
  release(): void {
    if (this.ref === undefined) this.discard();
    else this.#close(false);
  }

  /** Closes and removes the file. */
  discard(): void {
    const wasOpen = this.#isOpen;
    this.#close(true);
    if (!wasOpen && this.ref !== undefined) return; // another writer may have opened it
    try {
      unlinkSync(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #close(isDiscarded: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const close = () => closeSync(this.#fd);
    if (this.#syncing)
      this.#syncing.then(close, close); // libuv may still be in fsync on it
    else close();
    this.#onClose(isDiscarded);
  }
}
