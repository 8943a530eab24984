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
/** What is smaller is fetched again sooner than it is written down that it was begun. */
const smallestKept = 1 << 20;
const lookAgainMs = 100;

export interface BlobFetchOptions {
  readonly content: ContentStore;
  readonly namespace: string;
  readonly repository: RepositoryClient;
  readonly descriptor: ImageDescriptor;
  /** Told how many bytes are here. */
  readonly report?: ((bytes: number) => void) | undefined;
}

/** A blob on its way from a registry into the content store. It can be read while it comes. */
export class BlobFetch {
  /** Resolves once the blob is checked and in the store. */
  readonly done: Promise<void>;
  readonly #options: BlobFetchOptions;
  #ingest: Ingest | undefined;
  #wake: () => void = () => {};
  #isStored = false;

  /** @param turn resolves when the fetch may begin */
  constructor(options: BlobFetchOptions, turn: Promise<void> = Promise.resolve()) {
    this.#options = options;
    this.done = turn.then(() => this.#run());
    const finish = () => {
      this.#isStored = true;
      this.#wake();
    };
    this.done.then(finish, finish); // whoever waits for the blob hears of a failure
  }

  /** The blob's bytes as they come; ends when all are checked and stored. @throws what the fetch failed with */
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
        if (here <= 0 && this.#isStored) break; // it has failed: `done` says why
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

  /** The ingest's file; undefined when it has its place in the store already, or never came. */
  #open(): number | undefined {
    try {
      return this.#isStored || !this.#ingest ? undefined : openSync(this.#ingest.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Goes on with what a killed process left of a large blob. Undefined: another pull has brought it meanwhile. */
  async #begin(): Promise<Ingest | undefined> {
    const { content, namespace, repository, descriptor } = this.#options;
    const { digest, size } = descriptor;
    if (size < smallestKept) return content.ingest(digest);
    for (;;) {
      try {
        return await content.openIngest({ namespace, ref: refOf(descriptor), expected: digest, total: size });
      } catch (error) {
        if (!isRpcError(error, "Unavailable")) throw error;
      }
      await delay(lookAgainMs, undefined, { signal: repository.signal });
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
