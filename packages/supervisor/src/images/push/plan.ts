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

/** A manifest or index to be pushed. */
export interface PushDocument {
  readonly descriptor: ImageDescriptor;
  readonly bytes: Uint8Array;
  /** The document that it refers to (image-spec manifest.md, `subject`). */
  readonly subject?: string | undefined;
}

/** A blob to be pushed. */
export interface PushBlob {
  readonly descriptor: ImageDescriptor;
  /** The id that Docker shows for a layer: the start of its diff id. Absent for configurations. */
  readonly id?: string | undefined;
}

/** Everything that is pushed for an image, in an order that registries accept. */
export interface PushPlan {
  readonly target: ImageDescriptor;
  readonly blobs: readonly PushBlob[];
  /** Documents after those that they refer to; the target is the last one. */
  readonly documents: readonly PushDocument[];
  readonly referrers: readonly PushDocument[];
}

export interface PushPlanRequest {
  readonly namespace: string;
  /** Name of the image, for errors. */
  readonly name: string;
  readonly target: ImageDescriptor;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly referrers?: boolean | undefined;
  readonly nonDistributable?: boolean | undefined;
}

/** Finds the blobs and documents of an image. @throws RpcError NotFound naming a missing one */
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

  /** The whole index, where it is complete or was requested; else the manifest of the platform. */
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
    const config = this.#read(manifest.config);
    const ids = isImage(manifest, () => config) ? (parseImageConfig(config).rootfs.diff_ids ?? []) : [];
    for (const [at, descriptor] of manifest.layers.entries()) {
      if (isForeignLayerType(descriptor.mediaType) && !this.#request.nonDistributable) continue;
      this.#require(descriptor);
      const id = shortDigest(ids[at] ?? descriptor.digest);
      if (!this.#blobs.has(descriptor.digest)) this.#blobs.set(descriptor.digest, { descriptor, id });
    }
    if (!this.#blobs.has(manifest.config.digest))
      this.#blobs.set(manifest.config.digest, { descriptor: manifest.config });
  }

  /** Adds the documents that have this one as their subject; pulls and pushes have linked them. */
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
      return undefined; // a layer or a configuration
    }
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

/** The digest of the subject of a manifest or index. The schemas keep fields that they do not know. */
export function subjectOf(document: { readonly [field: string]: unknown }): string | undefined {
  const { subject } = document;
  const digest = typeof subject === "object" && subject !== null ? Reflect.get(subject, "digest") : undefined;
  return typeof digest === "string" ? digest : undefined;
}
