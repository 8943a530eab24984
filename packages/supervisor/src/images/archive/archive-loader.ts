import { closeSync, createReadStream, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { ImageDescriptor } from "@gantry/oci-spec";
import type { Ingest } from "../../content/ingest.ts";
import type { Lease } from "../../content/leases.ts";
import type { LayerFile } from "../../layers/layer-source.ts";
import { pieceBytes } from "../../piece-size.ts";
import type { ImageStore } from "../image-store.ts";
import type { ArchiveSource } from "./archive-source.ts";
import type { NamingRules } from "./names.ts";

export interface LoadRequest extends NamingRules {
  readonly namespace: string;
  /** Repository that gets an image whose last name is moved. */
  readonly keepReplacedIn?: string | undefined;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  /** Stores uncompressed layers of a docker-archive as gzip. */
  readonly compress?: boolean | undefined;
  readonly unpack?: boolean | undefined;
  readonly indexName?: string | undefined;
  readonly directory?: string | undefined;
  /** Keeps the content after the load. */
  readonly lease?: string | undefined;
}

/** An image of an archive whose blobs are in the content store. */
export interface LoadedImage {
  /** Full names; none when the archive has none. */
  readonly names: string[];
  readonly target: ImageDescriptor;
  /** It is no root file system, and is not unpacked. */
  readonly isArtifact?: boolean;
}

interface Expected {
  readonly digest?: string;
  readonly size?: number;
}

/** A layer that is not in the content store yet. */
interface PendingLayer {
  /** Descriptor of the file, whose name in the store may change. */
  readonly fd: number;
  readonly file: Ingest;
  stored?: Promise<unknown>;
}

/** Moves the files of an archive into the content store, for one load. */
export class ArchiveLoader implements AsyncDisposable {
  readonly request: LoadRequest;
  readonly source: ArchiveSource;
  readonly images: ImageStore;
  readonly #lease: Lease;
  readonly #pending = new Map<string, PendingLayer>();

  constructor(images: ImageStore, request: LoadRequest, source: ArchiveSource, lease: Lease) {
    this.images = images;
    this.request = request;
    this.source = source;
    this.#lease = lease;
  }

  get namespace(): string {
    return this.request.namespace;
  }

  /** Protects digests and chain ids from gc until the load has ended. */
  keep(...ids: readonly string[]): void {
    this.#lease.add(...ids);
  }

  has({ digest }: { digest: string }): boolean {
    return this.images.stores.content.has(this.namespace, digest);
  }

  readBlob({ digest }: { digest: string }): Buffer {
    return this.images.stores.content.readAll(this.namespace, digest);
  }

  /** The content of a small file of the archive, committed or not. */
  async read(path: string): Promise<Buffer> {
    const file = await this.source.file(path);
    return this.has(file) ? this.readBlob(file) : await readFile(file.path);
  }

  get #stored() {
    return { namespace: this.namespace, managed: true, lease: this.#lease };
  }

  /** Commits a file of the archive as a blob. */
  async commit(file: Ingest, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    const { content } = this.images.stores;
    return await content.commit(file, { ...this.#stored, ...expected });
  }

  /**
   * Checks a layer at once, and commits it from `storeLayers` on, after the small files: on a file system with a journal
   * an fsync(2) waits for that of a large file before it.
   */
  commitLayer(file: Ingest, expected: Expected = {}): { digest: string; size: number } {
    file.check(expected);
    const { digest, size } = file;
    this.keep(digest);
    if (!this.has(file) && !this.#pending.has(digest)) {
      const fd = openSync(file.path, "r");
      this.#pending.set(digest, { fd, file });
    }
    return { digest, size };
  }

  /** Drops a layer that another blob replaces. */
  dropLayer({ digest }: { digest: string }): void {
    const pending = this.#pending.get(digest);
    if (!pending || pending.stored) return;
    closeSync(pending.fd);
    this.#pending.delete(digest);
  }

  /** The file of a layer that is not in the store yet. */
  layerFile({ digest }: { digest: string }): LayerFile | undefined {
    const pending = this.#pending.get(digest);
    // Opened again, since duplicated descriptors share their position.
    return pending && { fd: openSync(`/proc/self/fd/${pending.fd}`, "r") };
  }

  /** Bytes of a layer that is not in the store yet. */
  #openLayer({ digest }: { digest: string }, end?: number): AsyncIterable<Buffer> | undefined {
    const pending = this.#pending.get(digest);
    if (!pending) return undefined;
    const range = end === undefined ? { start: 0 } : { start: 0, end };
    return createReadStream("", { fd: pending.fd, autoClose: false, highWaterMark: pieceBytes, ...range });
  }

  /** The bytes of a layer, in the archive or in the store. @param length only so many from the start */
  readLayer(layer: { digest: string }, length?: number): AsyncIterable<Buffer> {
    const { content } = this.images.stores;
    const range = length === undefined ? {} : { length };
    return (
      this.#openLayer(layer, length === undefined ? undefined : length - 1) ??
      content.read(this.namespace, layer.digest, range)
    );
  }

  /** Starts to commit the layers; `settled` waits for the end. */
  storeLayers(): void {
    for (const layer of this.#pending.values()) {
      layer.stored ??= this.commit(layer.file);
      layer.stored.catch(() => {}); // `settled` throws it
    }
  }

  /** Resolves once every layer is in the store. */
  async settled(): Promise<void> {
    this.storeLayers();
    await Promise.all([...this.#pending.values()].map(({ stored }) => stored));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#pending.values()];
    await Promise.allSettled(all.map(({ stored }) => stored));
    for (const { fd } of all) closeSync(fd);
  }

  async put(bytes: Uint8Array, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    const { content } = this.images.stores;
    return await content.put(bytes, { ...this.#stored, ...expected });
  }

  /** Uses a blob that this or another namespace has in the store. @returns false when there is none */
  share({ digest, size }: { digest: string; size: number }): boolean {
    this.keep(digest);
    return this.images.stores.content.share({ digest, size }, { namespace: this.namespace, managed: true });
  }

  /** Records that a blob needs others. */
  link(parent: string, children: readonly string[]): void {
    this.images.stores.metadata.blobs.link(parent, children);
  }
}
