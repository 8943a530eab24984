import { readFile } from "node:fs/promises";
import type { ImageDescriptor } from "@gantry/oci-spec";
import type { Ingest } from "../../content/ingest.ts";
import type { Lease } from "../../content/leases.ts";
import type { ImageStore } from "../image-store.ts";
import type { ArchiveSource } from "./archive-source.ts";
import type { NamingRules } from "./names.ts";

export interface LoadRequest extends NamingRules {
  readonly namespace: string;
  /** Repository that keeps an image whose last name is taken. */
  readonly keepReplacedIn?: string | undefined;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly unpack?: boolean | undefined;
  readonly indexName?: string | undefined;
  readonly directory?: string | undefined;
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

/** A load that is under way: the archive's files, and the way into the content store. */
export class Loading {
  readonly request: LoadRequest;
  readonly source: ArchiveSource;
  readonly images: ImageStore;
  readonly #lease: Lease;

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
  hold(...ids: readonly string[]): void {
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

  /** Takes a file of the archive over as a blob. */
  async commit(file: Ingest, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    this.hold(file.digest);
    const { content } = this.images.stores;
    return await content.commit(file, { namespace: this.namespace, managed: true, ...expected });
  }

  async put(bytes: Uint8Array, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    const { content } = this.images.stores;
    const blob = await content.put(bytes, { namespace: this.namespace, managed: true, ...expected });
    this.hold(blob.digest);
    return blob;
  }

  /** Uses a blob that is in the store already, of this namespace or another one. */
  share({ digest, size }: { digest: string; size: number }): boolean {
    this.hold(digest);
    return this.images.stores.content.share({ digest, size }, { namespace: this.namespace, managed: true });
  }

  /** Says that one blob needs others. */
  link(parent: string, children: readonly string[]): void {
    this.images.stores.metadata.blobs.link(parent, children);
  }
}
