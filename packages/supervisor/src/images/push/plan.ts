import {
  type ImageDescriptor,
  type ImageManifest,
  isForeignLayerType,
  isIndexType,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "@gantry/oci-spec";
import { invalidArgument, isNotFound, notFound } from "../../errors.ts";
import { findPlatformManifest, isImage, maxNesting, wantedPlatform } from "../image-content.ts";
import type { ImageStore } from "../image-store.ts";
import { shortDigest } from "../progress.ts";

/** A manifest or index that is to be pushed, its bytes at hand. */
export interface PushDocument {
  readonly descriptor: ImageDescriptor;
  readonly bytes: Uint8Array;
  /** What it refers to (image-spec manifest.md, `subject`). */
  readonly subject?: string | undefined;
}

/** A blob that is to be pushed. */
export interface PushBlob {
  readonly descriptor: ImageDescriptor;
  /** What Docker shows for a layer: the start of its diff id. Absent for configurations. */
  readonly id?: string | undefined;
}

/** All that a registry needs, in an order in which it takes it. */
export interface PushPlan {
  readonly target: ImageDescriptor;
  readonly blobs: readonly PushBlob[];
  /** What is referred to stands before what refers to it; the target is the last but for its referrers. */
  readonly documents: readonly PushDocument[];
  readonly referrers: readonly PushDocument[];
}

export interface PushPlanRequest {
  readonly namespace: string;
  /** For words. */
  readonly name: string;
  readonly target: ImageDescriptor;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly referrers?: boolean | undefined;
  readonly nonDistributable?: boolean | undefined;
}

/** Finds out what belongs to an image. @throws RpcError NotFound naming what is not here */
export function planPush(images: ImageStore, request: PushPlanRequest): Promise<PushPlan> {
  return new Planner(images, request).plan();
}

class Planner {
  readonly #images: ImageStore;
  readonly #request: PushPlanRequest;
  readonly #blobs = new Map<string, PushBlob>();
  readonly #documents = new Map<string, PushDocument>();
  readonly #referrers = new Map<string, PushDocument>();

  constructor(images: ImageStore, request: PushPlanRequest) {
    this.#images = images;
    this.#request = request;
  }

  async plan(): Promise<PushPlan> {
    const target = await this.#target();
    if (this.#request.referrers) for (const digest of [...this.#documents.keys()]) this.#addReferrers(digest);
    return {
      target,
      blobs: [...this.#blobs.values()],
      documents: [...this.#documents.values()],
      referrers: [...this.#referrers.values()],
    };
  }

  /** All of an index that is here as a whole, or that must be; else what there is for the platform. */
  async #target(): Promise<ImageDescriptor> {
    const { target, platform, allPlatforms } = this.#request;
    if (platform === undefined) {
      try {
        this.#add(target, this.#documents);
        return target;
      } catch (error) {
        if (allPlatforms || !isIndexType(target.mediaType) || !isNotFound(error)) throw error;
        this.#documents.clear();
        this.#blobs.clear();
      }
    }
    const read = (descriptor: ImageDescriptor) => this.#read(descriptor);
    const { manifestDescriptor } = await findPlatformManifest(target, wantedPlatform(platform), read);
    this.#add(manifestDescriptor, this.#documents);
    return manifestDescriptor;
  }

  #add(descriptor: ImageDescriptor, documents: Map<string, PushDocument>, depth = 0): void {
    if (documents.has(descriptor.digest)) return;
    if (depth > maxNesting) throw invalidArgument(`image index ${descriptor.digest} is nested too deeply`);
    const bytes = this.#read(descriptor);
    let subject: string | undefined;
    if (isIndexType(descriptor.mediaType)) {
      const index = parseIndex(bytes);
      subject = subjectOf(index);
      for (const child of index.manifests) this.#add(child, documents, depth + 1);
    } else {
      const manifest = parseManifest(bytes);
      subject = subjectOf(manifest);
      this.#addBlobs(manifest);
    }
    documents.set(descriptor.digest, { descriptor, bytes, subject });
  }

  #addBlobs(manifest: ImageManifest): void {
    const ids = isImage(manifest) ? this.#diffIds(manifest.config) : [];
    this.#require(manifest.config);
    for (const [at, descriptor] of manifest.layers.entries()) {
      if (isForeignLayerType(descriptor.mediaType) && !this.#request.nonDistributable) continue;
      this.#require(descriptor);
      const id = shortDigest(ids[at] ?? descriptor.digest);
      if (!this.#blobs.has(descriptor.digest)) this.#blobs.set(descriptor.digest, { descriptor, id });
    }
    if (!this.#blobs.has(manifest.config.digest))
      this.#blobs.set(manifest.config.digest, { descriptor: manifest.config });
  }

  /** Documents that name this one as their subject, which pulls and pushes have linked to it. */
  #addReferrers(subject: string): void {
    const { blobs } = this.#images.stores.metadata;
    for (const digest of blobs.children(subject)) {
      if (this.#documents.has(digest) || this.#referrers.has(digest)) continue;
      const descriptor = this.#asReferrer(digest, subject);
      if (!descriptor) continue;
      this.#add(descriptor, this.#referrers);
      this.#addReferrers(digest);
    }
  }

  #asReferrer(digest: string, subject: string): ImageDescriptor | undefined {
    const { content } = this.#images.stores;
    const { namespace } = this.#request;
    if (!content.has(namespace, digest)) return undefined;
    const { size } = content.info(namespace, digest);
    if (size > maxDocumentBytes) return undefined;
    try {
      const manifest = parseManifest(content.readAll(namespace, digest));
      if (subjectOf(manifest) !== subject || manifest.mediaType === undefined) return undefined;
      return { mediaType: manifest.mediaType, digest, size };
    } catch {
      return undefined; // a layer, a configuration
    }
  }

  #diffIds(config: ImageDescriptor): readonly string[] {
    return parseImageConfig(this.#read(config)).rootfs.diff_ids ?? [];
  }

  #read(descriptor: ImageDescriptor): Uint8Array {
    this.#require(descriptor);
    return this.#images.stores.content.readAll(this.#request.namespace, descriptor.digest);
  }

  #require({ digest, platform }: ImageDescriptor): void {
    const { namespace, name } = this.#request;
    if (this.#images.stores.content.has(namespace, digest)) return;
    const whose = platform ? ` (${platform.os}/${platform.architecture})` : "";
    throw notFound(`${name} is not here as a whole: ${digest}${whose} is missing`);
  }
}

const maxDocumentBytes = 4 << 20;

/** The digest of what a manifest or index refers to. The schemas leave other fields as they are. */
export function subjectOf(document: { readonly [field: string]: unknown }): string | undefined {
  const { subject } = document;
  const digest = typeof subject === "object" && subject !== null ? Reflect.get(subject, "digest") : undefined;
  return typeof digest === "string" ? digest : undefined;
}
