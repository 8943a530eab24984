import { createHash, randomBytes } from "node:crypto";
import { closeSync, fsync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { parseDigest } from "@gantry/oci-spec";
import { invalidArgument } from "../errors.ts";

const fsyncAsync = promisify(fsync);

/** Bytes on their way into the store: written to a temporary name while their digest is computed. */
export class Ingest {
  readonly path: string;
  readonly #fd: number;
  readonly #algorithm: string;
  #hash;
  #size = 0;
  #digest: string | undefined;
  #isOpen = true;
  #syncing: Promise<void> | undefined;

  /** @param expected digest whose algorithm is used; sha256 where absent */
  constructor(directory: string, expected?: string) {
    this.path = `${directory}/${randomBytes(8).toString("hex")}`;
    this.#algorithm = expected === undefined ? "sha256" : parseDigest(expected).algorithm;
    this.#hash = createHash(this.#algorithm);
    this.#fd = openSync(this.path, "wx", 0o600);
  }

  /** Bytes taken so far. */
  get size(): number {
    return this.#size;
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

  /** Makes the bytes durable and closes the file, which stays where it is. */
  async finish(): Promise<void> {
    this.sync();
    await this.#syncing;
    this.#close();
  }

  /** Closes and removes the file, if it is still there. */
  discard(): void {
    this.#close();
    try {
      unlinkSync(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  [Symbol.dispose](): void {
    this.discard();
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // libuv may still be in fsync on it
    if (this.#syncing)
      this.#syncing.then(
        () => closeSync(this.#fd),
        () => closeSync(this.#fd),
      );
    else closeSync(this.#fd);
  }
}
