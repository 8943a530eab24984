import { closeSync, openSync, read as readFile } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { isRpcError } from "@gantry/ipc";
import type { ImageDescriptor } from "@gantry/oci-spec";
import type { Ingest } from "../../content/ingest.ts";
import type { ContentStore } from "../../content/store.ts";
import { undo } from "../../errors.ts";
import { pieceBytes } from "../../piece-size.ts";
import { refOf } from "../progress.ts";
import type { RepositoryClient } from "../registry/client.ts";
import { afterRetries } from "../registry/error-context.ts";

const read = promisify(readFile);
/** Smaller blobs are not resumable: fetching them again is cheaper than recording them. */
const minResumableBytes = 1 << 20;
const retryMs = 100;

export interface BlobFetchOptions {
  readonly content: ContentStore;
  readonly namespace: string;
  readonly repository: RepositoryClient;
  readonly descriptor: ImageDescriptor;
  /** Called with the number of bytes that have arrived. */
  readonly report?: ((bytes: number) => void) | undefined;
}

/** The download of a blob into the content store. The blob can be read while it arrives. */
export class BlobFetch {
  /** Resolves once the blob is checked and in the store. */
  readonly done: Promise<void>;
  readonly #options: BlobFetchOptions;
  #ingest: Ingest | undefined;
  #wake: () => void = () => {};
  #isStored = false;

  /** @param allowed resolves when the download may start */
  constructor(options: BlobFetchOptions, allowed: Promise<void> = Promise.resolve()) {
    this.#options = options;
    this.done = allowed.then(() => this.#run());
    const finish = () => {
      this.#isStored = true;
      this.#wake();
    };
    this.done.then(finish, finish); // a failure is reported by `done`
  }

  /** The blob's bytes as they arrive; ends once the blob is checked and stored. @throws the failure of the download */
  async *read(): AsyncGenerator<Buffer> {
    const { content, namespace, descriptor } = this.#options;
    while (!this.#ingest && !this.#isStored) await this.#more();
    const fd = this.#open();
    if (fd === undefined) {
      await this.done;
      yield* content.read(namespace, descriptor.digest);
      return;
    }
    try {
      for (let at = 0; at < descriptor.size; ) {
        const here = Math.min((this.#ingest?.size ?? 0) - at, pieceBytes);
        if (here <= 0 && this.#isStored) break; // it has failed: `done` has the reason
        const piece = here > 0 ? await readPiece(fd, at, here) : undefined;
        if (piece === undefined) await this.#more();
        else {
          at += piece.length;
          yield piece;
        }
      }
    } finally {
      closeSync(fd);
    }
    await this.done;
  }

  /** Opens the ingest's file; undefined when it is in the store already, or does not exist. */
  #open(): number | undefined {
    try {
      return this.#isStored || !this.#ingest ? undefined : openSync(this.#ingest.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Opens the ingest, which may have bytes of an interrupted download. Undefined: another pull has stored the blob. */
  async #begin(): Promise<Ingest | undefined> {
    const { content, namespace, repository, descriptor } = this.#options;
    const { digest, size } = descriptor;
    if (size < minResumableBytes) return content.ingest(digest);
    for (;;) {
      try {
        return await content.openIngest({ namespace, ref: refOf(descriptor), expected: digest, total: size });
      } catch (error) {
        if (!isRpcError(error, "Unavailable")) throw error;
      }
      await delay(retryMs, undefined, { signal: repository.signal });
      if (content.share(descriptor, { namespace, managed: true })) return undefined;
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #run(): Promise<void> {
    const { content, namespace, repository, descriptor, report } = this.#options;
    const { digest, size } = descriptor;
    const ingest = await this.#begin();
    if (!ingest) return;
    this.#ingest = ingest;
    this.#wake();
    const write = (chunk: Buffer) => {
      ingest.write(chunk);
      report?.(ingest.size);
      this.#wake();
    };
    try {
      await repository.blob(descriptor, {
        get size() {
          return ingest.size;
        },
        write,
      });
      await content.commit(ingest, { namespace, managed: true, digest, size });
    } catch (error) {
      await undo(() => ingest.discard());
      throw afterRetries(error);
    }
  }
}

async function readPiece(fd: number, at: number, length: number): Promise<Buffer | undefined> {
  const { buffer, bytesRead } = await read(fd, Buffer.allocUnsafe(length), 0, length, at);
  return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
}
