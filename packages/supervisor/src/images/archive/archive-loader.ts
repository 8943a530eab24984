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
  /** Repository that keeps an image whose last name is taken. */
  readonly keepReplacedIn?: string | undefined;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  /** Keeps plain layers of a docker-archive as gzip. */
  readonly compress?: boolean | undefined;
  readonly unpack?: boolean | undefined;
  readonly indexName?: string | undefined;
  readonly directory?: string | undefined;
  /** Keeps what is loaded. */
  readonly lease?: string | undefined;
}

/** An image of an archive whose blobs are in the content store. */
export interface LoadedImage {
  /** Full names; none when the archive gives none. */
  readonly names: string[];
  readonly target: ImageDescriptor;
}

interface Expected {
  readonly digest?: string;
  readonly size?: number;
}

/** A layer on its way into the content store. */
interface PendingLayer {
  /** Of its file, which the store may rename meanwhile. */
  readonly fd: number;
  readonly file: Ingest;
  stored?: Promise<unknown>;
}

/** A load that is under way: the archive's files, and the way into the content store. */
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

  /** Keeps digests and chain ids until the load has ended. */
  keep(...ids: readonly string[]): void {
    this.#lease.add(...ids);
  }

  has({ digest }: { digest: string }): boolean {
    return this.images.stores.content.has(this.namespace, digest);
  }

  readBlob({ digest }: { digest: string }): Buffer {
    return this.images.stores.content.readAll(this.namespace, digest);
  }

  /** Bytes of a small file of the archive, whether it was committed or not. */
  async read(path: string): Promise<Buffer> {
    const file = await this.source.file(path);
    return this.has(file) ? this.readBlob(file) : await readFile(file.path);
  }

  get #stored() {
    return { namespace: this.namespace, managed: true, lease: this.#lease };
  }

  /** Takes a file of the archive over as a blob. */
  async commit(file: Ingest, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    const { content } = this.images.stores;
    return await content.commit(file, { ...this.#stored, ...expected });
  }

  /**
   * Takes a layer over: it is checked at once, and becomes durable from `storeLayers` on. Until then the small files
   * come: a file system with a journal lets no fsync(2) pass one of a large file.
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

  /** Gives up a layer that was to be taken over: another blob holds the same. */
  dropLayer({ digest }: { digest: string }): void {
    const pending = this.#pending.get(digest);
    if (!pending || pending.stored) return;
    closeSync(pending.fd);
    this.#pending.delete(digest);
  }

  /** The file of a layer that is not in the store yet. */
  layerFile({ digest }: { digest: string }): LayerFile | undefined {
    const pending = this.#pending.get(digest);
    // Opened anew, since descriptors that are handed on share their position.
    return pending && { fd: openSync(`/proc/self/fd/${pending.fd}`, "r") };
  }

  /** Bytes of a layer that is not in the store yet. */
  #openLayer({ digest }: { digest: string }, end?: number): AsyncIterable<Buffer> | undefined {
    const pending = this.#pending.get(digest);
    if (!pending) return undefined;
    const range = end === undefined ? { start: 0 } : { start: 0, end };
    return createReadStream("", { fd: pending.fd, autoClose: false, highWaterMark: pieceBytes, ...range });
  }

  /** Bytes of a layer, wherever they are. @param length those at its start */
  readLayer(layer: { digest: string }, length?: number): AsyncIterable<Buffer> {
    const { content } = this.images.stores;
    const range = length === undefined ? {} : { length };
    return (
      this.#openLayer(layer, length === undefined ? undefined : length - 1) ??
      content.read(this.namespace, layer.digest, range)
    );
  }

  /** Begins to put the layers into the store; `settled` waits for it. */
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

  /** Uses a blob that is in the store already, of this namespace or another one. */
  share({ digest, size }: { digest: string; size: number }): boolean {
    this.keep(digest);
    return this.images.stores.content.share({ digest, size }, { namespace: this.namespace, managed: true });
  }

  /** Says that one blob needs others. */
  link(parent: string, children: readonly string[]): void {
    this.images.stores.metadata.blobs.link(parent, children);
  }
}
