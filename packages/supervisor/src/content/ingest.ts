import { createHash, type Hash } from "node:crypto";
import { closeSync, createReadStream, fsync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { invalidArgument } from "../errors.ts";

const fsyncAsync = promisify(fsync);

export interface IngestOptions {
  readonly path: string;
  /** sha256, sha512 */
  readonly algorithm: string;
  /** Its name, where it has one: then its bytes stay when nobody writes it. */
  readonly ref?: string | undefined;
  /** Told once when it is closed, and whether its bytes are to go. */
  readonly onClose?: (isDiscarded: boolean) => void;
}

/** Bytes on their way into the store: written to a file of their own while their digest is computed. */
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

  /** Bytes taken so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes up what an earlier writer left in the file: its digest is computed anew. */
  async resume(): Promise<void> {
    for await (const chunk of createReadStream(this.path, { highWaterMark: 1 << 20 })) {
      this.#hash.update(chunk as Buffer);
      this.#size += (chunk as Buffer).length;
    }
  }

  /** Forgets all bytes. */
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

  /** The digest of all; nothing can be written after it was asked for. */
  get digest(): string {
    this.#digest ??= `${this.#algorithm}:${this.#hash.digest("hex")}`;
    return this.#digest;
  }

  /** Compares with what was promised. @throws RpcError InvalidArgument naming both */
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

  /** Starts to make the bytes durable; `finish` waits for it. */
  sync(): void {
    this.#syncing ??= fsyncAsync(this.#fd);
    this.#syncing.catch(() => {});
  }

  /** Makes the bytes durable; the file stays where it is. */
  async finish(): Promise<void> {
    this.sync();
    await this.#syncing;
  }

  /** Ends the writing. The bytes of one with a name wait for the next writer, others go. */
  release(): void {
    if (this.ref === undefined) this.discard();
    else this.#close(false);
  }

  /** Closes and removes the file, if it is still there. */
  discard(): void {
    const wasOpen = this.#isOpen;
    this.#close(true);
    if (!wasOpen && this.ref !== undefined) return; // it may be another writer's by now
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
