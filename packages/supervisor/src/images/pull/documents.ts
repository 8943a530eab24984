import {
  familiarReference,
  type ImageDescriptor,
  type ImageManifest,
  isIndexType,
  isManifestType,
  parseIndex,
  parseManifest,
  parseReference,
  withDefaultTag,
} from "@gantry/oci-spec";
import type { Lease } from "../../content/leases.ts";
import { isNotFound } from "../../errors.ts";
import {
  chainIds,
  findPlatformImage,
  findPlatformManifest,
  isImage,
  maxNesting,
  notAnImage,
  type PlatformImage,
  requirePlatform,
  wantedPlatform,
} from "../image-content.ts";
import type { ImageStore } from "../image-store.ts";
import type { ProgressReporter } from "../progress.ts";
import type { RepositoryClient } from "../registry/client.ts";
import { listReferrers } from "../registry/referrers.ts";
import type { Downloads } from "./downloads.ts";
import type { PullRequest } from "./request.ts";

export interface PullDocumentsOptions {
  readonly images: ImageStore;
  readonly progress: ProgressReporter;
  readonly request: PullRequest;
  readonly repository: RepositoryClient;
  readonly downloads: Downloads;
  /** Protects the documents, and the blobs that they name, from gc. */
  readonly lease: Lease;
}

export interface MainManifest {
  readonly descriptor: ImageDescriptor;
  readonly manifest: ImageManifest;
  /** Absent for an artifact that is not a root file system. */
  readonly image?: PlatformImage;
  /** The configuration was in the store before the pull. */
  readonly isKnown: boolean;
}

/** Fetches the manifests, indexes and configurations of a pull, and records the blobs that they need. */
export class PullDocuments {
  readonly #images: ImageStore;
  readonly #progress: ProgressReporter;
  readonly #request: PullRequest;
  readonly #repository: RepositoryClient;
  readonly #downloads: Downloads;
  readonly #lease: Lease;

  constructor({ images, progress, request, repository, downloads, lease }: PullDocumentsOptions) {
    this.#images = images;
    this.#progress = progress;
    this.#request = request;
    this.#repository = repository;
    this.#downloads = downloads;
    this.#lease = lease;
  }

  /** The requested manifest; undefined where all were requested, and there is none for this platform. */
  async findMain(target: ImageDescriptor): Promise<MainManifest | undefined> {
    const { platform: text, allPlatforms, allMetadata, name, imageOnly } = this.#request;
    const platform = wantedPlatform(text);
    const read = (descriptor: ImageDescriptor) => this.#document(descriptor);
    try {
      const found = await findPlatformManifest(target, platform, read);
      const { config } = found.manifest;
      const isKnown = this.#images.stores.content.has(this.#request.namespace, config.digest);
      await this.#fetchConfig(found.manifestDescriptor, found.manifest);
      for (const [at, { digest }] of found.path.entries()) {
        const child = found.path[at + 1];
        if (child) this.#images.stores.metadata.blobs.link(digest, [child.digest]);
      }
      if (!this.#isImage(found.manifest)) {
        if (imageOnly) throw notAnImage(found.manifest);
        return { descriptor: found.manifestDescriptor, manifest: found.manifest, isKnown };
      }
      const image = await findPlatformImage(target, platform, read);
      if (text !== undefined) {
        requirePlatform(familiarReference(withDefaultTag(parseReference(name))), image.config, platform);
      }
      this.#lease.add(...chainIds(image.config));
      return { descriptor: image.manifestDescriptor, manifest: image.manifest, image, isKnown };
    } catch (error) {
      if (text === undefined && (allPlatforms || allMetadata) && isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Fetches the other manifests of an index, where the request includes them. */
  async fetchOthers(
    descriptor: ImageDescriptor,
    main: string | undefined,
    fetchLayers: (manifest: ImageManifest) => void,
    depth = 0,
  ): Promise<void> {
    const { allPlatforms, allMetadata, metadataOnly } = this.#request;
    if (!(allPlatforms || allMetadata) || descriptor.digest === main || depth > maxNesting) return;
    const bytes = await this.#document(descriptor);
    if (isIndexType(descriptor.mediaType)) {
      const { manifests } = parseIndex(bytes);
      this.#images.stores.metadata.blobs.link(
        descriptor.digest,
        manifests.map(({ digest }) => digest),
      );
      for (const child of manifests) await this.fetchOthers(child, main, fetchLayers, depth + 1);
      return;
    }
    const manifest = parseManifest(bytes);
    await this.#fetchConfig(descriptor, manifest);
    if (allPlatforms && !metadataOnly) fetchLayers(manifest);
  }

  /** Fetches the documents that refer to another one (distribution-spec, "Listing Referrers"), with their content. */
  async fetchReferrers(subject: string): Promise<void> {
    const { blobs } = this.#images.stores.metadata;
    for (const descriptor of await listReferrers(this.#repository, subject)) {
      if (isIndexType(descriptor.mediaType)) continue;
      const manifest = parseManifest(await this.#document(descriptor));
      await this.#fetchConfig(descriptor, manifest);
      await Promise.all(manifest.layers.map((layer) => this.#downloads.start(layer).done));
      blobs.link(subject, [descriptor.digest]);
    }
  }

  #isImage(manifest: ImageManifest): boolean {
    const { content } = this.#images.stores;
    return isImage(manifest, () => content.readAll(this.#request.namespace, manifest.config.digest));
  }

  /** Fetches a manifest's configuration, and records the blobs that the manifest needs. */
  async #fetchConfig(descriptor: ImageDescriptor, manifest: ImageManifest): Promise<void> {
    const { blobs } = this.#images.stores.metadata;
    const needs = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    this.#lease.add(...needs);
    await this.#document(manifest.config);
    blobs.link(descriptor.digest, needs);
  }

  /** A manifest, index or configuration: from the store, else from the registry. */
  async #document(descriptor: ImageDescriptor): Promise<Uint8Array> {
    const { content } = this.#images.stores;
    const { namespace, name } = this.#request;
    this.#lease.add(descriptor.digest);
    if (!content.share(descriptor, { namespace, managed: true })) {
      if (isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType)) {
        await this.store(descriptor, (await this.#repository.manifest(descriptor.digest)).bytes);
      } else await this.#downloads.start(descriptor).done;
    }
    this.#images.noteSource(namespace, descriptor.digest, name);
    return content.readAll(namespace, descriptor.digest);
  }

  /** Stores a document that was fetched. */
  async store(descriptor: ImageDescriptor, bytes: Uint8Array): Promise<void> {
    const { digest, size } = descriptor;
    this.#lease.add(digest);
    await this.#images.stores.content.put(bytes, { namespace: this.#request.namespace, managed: true, digest, size });
    this.#progress.about(descriptor, "Download complete");
  }
}
