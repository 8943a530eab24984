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
  /** True: gc removes the blob once nothing needs it. False: its writer has to delete it. */
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
 * Blobs as files: <root>/blobs/<algorithm>/<hex>. All namespaces share a blob's file; a namespace sees the blobs that
 * it has a row for. A file without a row in any namespace is a leftover.
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

  /** Removes the leftovers of an earlier process: files without rows, and rows without files. */
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

  /** Makes a blob of another namespace visible. @returns false when there is none, or its size differs */
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

  /** Reads a whole blob into memory. @throws RpcError NotFound */
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

  /** An ingest without a ref, which ends with its writer. */
  ingest(expectedDigest?: string): Ingest {
    return this.ingests.begin(expectedDigest);
  }

  /** A resumable ingest; see Ingests.open. */
  async openIngest(named: NamedIngest): Promise<Ingest> {
    return await this.ingests.open(named);
  }

  /**
   * Turns an ingest into a blob: checks size and digest, syncs the file, and gives it its place and its row.
   * @throws RpcError InvalidArgument for another size or digest than expected; then the ingest stays as it is
   */
  async commit(ingest: Ingest, options: CommitOptions): Promise<{ digest: string; size: number }> {
    ingest.check(options);
    const { digest, size } = ingest;
    options.lease?.add(digest);
    const { namespace, managed, labels } = options;
    if (!this.#metadata.blobs.isKnown(digest)) {
      await ingest.finish();
      options.signal?.throwIfAborted();
      // No await between these two: a blob without a row counts as a leftover. The ingest keeps its file until the row
      // exists, so that it can be resumed after a crash in between.
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

  /** Stores bytes as a blob. */
  async put(bytes: Uint8Array, options: CommitOptions): Promise<{ digest: string; size: number }> {
    using ingest = this.ingest(options.digest);
    ingest.write(bytes);
    return await this.commit(ingest, options);
  }

  /** Removes a blob from a namespace, and its file with the last one. @returns false when it was not there */
  delete(namespace: string, digest: string): boolean {
    const wasThere = this.has(namespace, digest);
    this.deleteAll(namespace, [digest]);
    return wasThere;
  }

  /** Removes blobs from a namespace in one transaction. @returns bytes of the files that were removed */
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

  /** Links the ingest's file to its place in the store. A file that is there without a row is a leftover. */
  #place(ingest: Ingest, digest: string): void {
    const path = this.path(digest);
    if (this.#metadata.blobs.isKnown(digest)) return; // another writer stored it in the meantime
    rmSync(path, { force: true });
    linkSync(ingest.path, path);
    const fd = openSync(`${this.#root}/blobs/${parseDigest(digest).algorithm}`, "r");
    fsyncSync(fd);
    closeSync(fd);
  }

  /** Renames the file at once, so that the blob can be stored again; freeing the space of a large file takes longer. */
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
