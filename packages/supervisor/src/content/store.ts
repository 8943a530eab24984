import {
  closeSync,
  createReadStream,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { parseDigest } from "@gantry/oci-spec";
import { notFound } from "../errors.ts";
import type { BlobInfo } from "../metadata/blobs.ts";
import type { Metadata } from "../metadata/index.ts";
import { pieceBytes } from "../piece-size.ts";
import type { Ingest } from "./ingest.ts";
import { Ingests, type NamedIngest } from "./ingests.ts";
import type { Lease } from "./leases.ts";

const algorithms = ["sha256", "sha512"] as const;

export interface CommitOptions {
  readonly namespace: string;
  /** Removed when nothing needs it any more; else whoever stored it must delete it. */
  readonly managed: boolean;
  readonly labels?: Record<string, string> | undefined;
  readonly digest?: string | undefined;
  readonly size?: number | undefined;
  /** Gets the digest before the blob is stored, so that no collection removes it in between. */
  readonly lease?: Lease | undefined;
  /** Aborted when the caller has given up: then nothing is stored. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Blobs as files: <root>/blobs/<algorithm>/<hex>. A blob is there once for all namespaces; a namespace sees those
 * that it has a row for. A file without a row of any namespace is a leftover.
 */
export class ContentStore {
  readonly ingests: Ingests;
  readonly #root: string;
  readonly #metadata: Metadata;
  #removals = 0;

  constructor(root: string, metadata: Metadata) {
    this.#root = root;
    this.#metadata = metadata;
    for (const algorithm of algorithms) mkdirSync(`${root}/blobs/${algorithm}`, { recursive: true, mode: 0o700 });
    mkdirSync(this.#removing, { recursive: true, mode: 0o700 });
    this.ingests = new Ingests(`${root}/ingest`, metadata);
  }

  /** Removes what an earlier process left half-made: files without rows, and rows that have lost their files. */
  removeLeftovers(): void {
    rmSync(this.#removing, { recursive: true });
    mkdirSync(this.#removing, { mode: 0o700 });
    this.ingests.removeLeftovers();
    const { blobs } = this.#metadata;
    const lost = new Set(blobs.digests());
    for (const algorithm of algorithms) {
      for (const hex of readdirSync(`${this.#root}/blobs/${algorithm}`)) {
        const digest = `${algorithm}:${hex}`;
        if (!lost.delete(digest)) this.#removeFile(digest);
      }
    }
    this.#metadata.db.transaction(() => {
      for (const digest of lost) blobs.deleteEverywhere(digest);
    });
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
  share(
    blob: { digest: string; size: number },
    options: Pick<CommitOptions, "namespace" | "managed" | "labels">,
  ): boolean {
    const { namespace, managed, labels } = options;
    const { blobs } = this.#metadata;
    const known = blobs.sizeOf(blob.digest);
    if (known === undefined || (known !== blob.size && !this.has(namespace, blob.digest))) return false;
    blobs.put(namespace, { digest: blob.digest, size: known, managed });
    if (labels) blobs.setLabels(namespace, blob.digest, labels);
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
    return createReadStream(this.path(digest), { start, ...end, highWaterMark: pieceBytes });
  }

  /** A blob's file, open at its start; the caller closes it. @throws RpcError NotFound */
  open(namespace: string, digest: string): { readonly fd: number } {
    this.info(namespace, digest);
    return { fd: openSync(this.path(digest), "r") };
  }

  /** An ingest that ends with its writer. */
  ingest(expectedDigest?: string): Ingest {
    return this.ingests.begin(expectedDigest);
  }

  /** An ingest that can be gone on with; see Ingests.open. */
  async openIngest(named: NamedIngest): Promise<Ingest> {
    return await this.ingests.open(named);
  }

  /**
   * Checks what was ingested, makes it durable, and gives it its name; then the ingest is gone.
   * @throws RpcError InvalidArgument when it is not what was expected; the ingest stays as it is
   */
  async commit(ingest: Ingest, options: CommitOptions): Promise<{ digest: string; size: number }> {
    ingest.check(options);
    const { digest, size } = ingest;
    options.lease?.add(digest);
    const { namespace, managed, labels } = options;
    if (!this.#metadata.blobs.isKnown(digest)) {
      await ingest.finish();
      options.signal?.throwIfAborted();
      // No turn of the event loop between these two: a blob without a row is removed as a leftover. And the ingest
      // keeps its file until there is a row: whoever is killed here goes on with it.
      this.#place(ingest, digest);
    }
    this.#metadata.db.transaction(() => {
      this.#metadata.namespaces.ensure(namespace);
      this.#metadata.blobs.put(namespace, { digest, size, managed });
      if (labels) this.#metadata.blobs.setLabels(namespace, digest, labels);
    });
    ingest.discard();
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
    const wasThere = this.has(namespace, digest);
    this.deleteAll(namespace, [digest]);
    return wasThere;
  }

  /** Takes blobs from a namespace in one step. @returns bytes of those that no namespace has any more */
  deleteAll(namespace: string, digests: readonly string[]): number {
    const { blobs, events } = this.#metadata;
    const gone = events.publishing(() => {
      const deleted = digests.filter((digest) => blobs.get(namespace, digest));
      const sizes = new Map(deleted.map((digest) => [digest, blobs.sizeOf(digest) ?? 0]));
      for (const digest of deleted) {
        blobs.delete(namespace, digest);
        if (blobs.isKnown(digest)) sizes.delete(digest);
        else blobs.unlink(digest);
      }
      const topic = "/content/delete" as const;
      return { result: sizes, events: deleted.map((id) => ({ namespace, topic, id })) };
    });
    for (const digest of gone.keys()) this.#removeFile(digest);
    return [...gone.values()].reduce((sum, size) => sum + size, 0);
  }

  get #removing(): string {
    return `${this.#root}/removing`;
  }

  /** A second name, so that the ingest has its file still; what stands there without a row is a leftover. */
  #place(ingest: Ingest, digest: string): void {
    const path = this.path(digest);
    if (this.#metadata.blobs.isKnown(digest)) return; // it came by another way meanwhile
    rmSync(path, { force: true });
    linkSync(ingest.path, path);
    const fd = openSync(`${this.#root}/blobs/${parseDigest(digest).algorithm}`, "r");
    fsyncSync(fd);
    closeSync(fd);
  }

  /** Takes the file's name from it at once, so that the blob may come again; freeing a large one takes its time. */
  #removeFile(digest: string): void {
    this.#removals += 1;
    const to = `${this.#removing}/${process.pid}-${this.#removals}`;
    try {
      renameSync(this.path(digest), to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    rm(to, { force: true }).catch(() => {}); // the next start tries again
  }
}
