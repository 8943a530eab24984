import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { parseDigest } from "@gantry/oci-spec";
import { notFound } from "../errors.ts";
import type { BlobInfo } from "../metadata/blobs.ts";
import type { Metadata } from "../metadata/index.ts";
import { Ingest } from "./ingest.ts";

const algorithms = ["sha256", "sha512"] as const;

export interface CommitOptions {
  readonly namespace: string;
  /** Removed when no image needs it any more. */
  readonly managed: boolean;
  readonly labels?: Record<string, string>;
  readonly digest?: string | undefined;
  readonly size?: number | undefined;
}

/**
 * Blobs as files: <root>/blobs/<algorithm>/<hex>. A blob is there once for all namespaces; a namespace sees those
 * that it has a row for. A file without a row of any namespace is a leftover.
 */
export class ContentStore {
  readonly #root: string;
  readonly #metadata: Metadata;

  constructor(root: string, metadata: Metadata) {
    this.#root = root;
    this.#metadata = metadata;
    for (const algorithm of algorithms) mkdirSync(`${root}/blobs/${algorithm}`, { recursive: true, mode: 0o700 });
    mkdirSync(this.#ingests, { recursive: true, mode: 0o700 });
  }

  /** Removes what an earlier process left half-made. */
  removeLeftovers(): void {
    rmSync(this.#ingests, { recursive: true });
    mkdirSync(this.#ingests, { mode: 0o700 });
    for (const algorithm of algorithms) {
      for (const hex of readdirSync(`${this.#root}/blobs/${algorithm}`)) {
        this.#removeIfUnknown(`${algorithm}:${hex}`);
      }
    }
  }

  path(digest: string): string {
    const { algorithm, hex } = parseDigest(digest);
    return `${this.#root}/blobs/${algorithm}/${hex}`;
  }

  has(namespace: string, digest: string): boolean {
    return this.#metadata.blobs.get(namespace, digest) !== undefined;
  }

  /** @throws RpcError NotFound */
  info(namespace: string, digest: string): BlobInfo {
    const info = this.#metadata.blobs.get(namespace, digest);
    if (!info) throw notFound(`no such content in namespace ${namespace}: ${digest}`);
    return info;
  }

  /** Gives a namespace a blob that another one has already. False when there is none, or it is of another size. */
  share(blob: { digest: string; size: number }, options: Pick<CommitOptions, "namespace" | "managed">): boolean {
    if (this.has(options.namespace, blob.digest)) return true;
    if (!this.#metadata.blobs.isKnown(blob.digest)) return false;
    this.#metadata.blobs.put(options.namespace, { ...blob, managed: options.managed });
    return true;
  }

  /** All of a small blob. @throws RpcError NotFound */
  readAll(namespace: string, digest: string): Buffer {
    this.info(namespace, digest);
    return readFileSync(this.path(digest));
  }

  /** Bytes of a blob, in pieces. @throws RpcError NotFound */
  read(namespace: string, digest: string, range: { offset?: number; length?: number } = {}): AsyncIterable<Buffer> {
    this.info(namespace, digest);
    const start = range.offset ?? 0;
    const end = range.length === undefined ? {} : { end: start + range.length - 1 };
    return createReadStream(this.path(digest), { start, ...end, highWaterMark: 512 << 10 });
  }

  ingest(expectedDigest?: string): Ingest {
    return new Ingest(this.#ingests, expectedDigest);
  }

  /** Checks what was ingested, makes it durable, and gives it its name. @throws RpcError InvalidArgument */
  async commit(ingest: Ingest, options: CommitOptions): Promise<{ digest: string; size: number }> {
    ingest.check(options);
    const { digest, size } = ingest;
    if (this.share({ digest, size }, options)) ingest.discard();
    else {
      await ingest.finish();
      // No turn of the event loop between these two: a blob without a row is removed as a leftover.
      renameSync(ingest.path, this.path(digest));
      this.#metadata.blobs.put(options.namespace, { digest, size, managed: options.managed });
      this.#syncDirectory(digest);
    }
    if (options.labels) this.#metadata.blobs.setLabels(options.namespace, digest, options.labels);
    return { digest, size };
  }

  /** Stores bytes that are at hand. */
  async put(bytes: Uint8Array, options: CommitOptions): Promise<{ digest: string; size: number }> {
    using ingest = this.ingest(options.digest);
    ingest.write(bytes);
    return await this.commit(ingest, options);
  }

  /** Takes a blob from a namespace, and its file with the last of them. False when it was not there. */
  delete(namespace: string, digest: string): boolean {
    const wasThere = this.#metadata.blobs.delete(namespace, digest);
    this.#removeIfUnknown(digest);
    return wasThere;
  }

  get #ingests(): string {
    return `${this.#root}/ingest`;
  }

  #removeIfUnknown(digest: string): void {
    if (this.#metadata.blobs.isKnown(digest)) return;
    this.#metadata.blobs.unlink(digest);
    try {
      unlinkSync(this.path(digest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  #syncDirectory(digest: string): void {
    const fd = openSync(`${this.#root}/blobs/${parseDigest(digest).algorithm}`, "r");
    fsyncSync(fd);
    closeSync(fd);
  }
}
