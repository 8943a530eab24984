import { isRpcError } from "@gantry/ipc";
import type { Image } from "@gantry/ipc/contracts/supervisor";
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
import { inContext, isLocalFailure, isNotFound } from "../../errors.ts";
import { collectingAfter } from "../../gc/collect.ts";
import {
  chainIds,
  findPlatformImage,
  findPlatformManifest,
  isImage,
  maxNesting,
  type PlatformImage,
  requirePlatform,
  wantedPlatform,
} from "../image-content.ts";
import { type ImageStore, requireFullName } from "../image-store.ts";
import type { ProgressReporter } from "../progress.ts";
import type { RegistryCall } from "../registry/call.ts";
import { RepositoryClient } from "../registry/client.ts";
import { afterRetries } from "../registry/error-context.ts";
import { listReferrers } from "../registry/referrers.ts";
import type { RegistryTransfer } from "../registry/transfer.ts";
import type { BlobFetch } from "./blob-fetch.ts";
import { Downloads } from "./downloads.ts";

export interface PullRequest extends RegistryCall {
  readonly namespace: string;
  readonly name: string;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly allMetadata?: boolean | undefined;
  readonly metadataOnly?: boolean | undefined;
  readonly referrers?: boolean | undefined;
  readonly unpack?: boolean | undefined;
  readonly labels?: Record<string, string> | undefined;
  readonly parallel?: number | undefined;
  /** Keeps the content after the pull. */
  readonly lease?: string | undefined;
}

const parallelLayers = 3;

export interface PullResult {
  readonly image: Image;
  /** True when the name did not have this target before. */
  readonly changed: boolean;
}

/** Fetches, checks and unpacks an image, and then names it; a failure leaves nothing behind. */
export async function pullImage(
  transfer: RegistryTransfer,
  request: PullRequest,
  signal: AbortSignal,
): Promise<PullResult> {
  requireFullName(request.name);
  const { namespace, name } = request;
  // This also collects the leftovers of earlier attempts.
  return await collectingAfter(transfer.images.stores, namespace, async () => {
    using pull = new Pull(transfer, request, signal);
    try {
      return await pull.run();
    } catch (error) {
      const cause = afterRetries(await pull.stop(error));
      if (isRpcError(cause) && cause.message.includes(name)) throw cause;
      throw inContext(cause, `cannot pull ${name}`);
    }
  });
}

class Pull implements Disposable {
  readonly #images: ImageStore;
  readonly #request: PullRequest;
  readonly #progress: ProgressReporter;
  /** Ends all requests to the registry, and the unpacking. */
  readonly #stopped = new AbortController();
  readonly #repository: RepositoryClient;
  readonly #lease: Lease;
  readonly #downloads: Downloads;
  /** The download that the unpacker is reading. */
  #reading: BlobFetch | undefined;
  #firstFailure: { readonly error: unknown } | undefined;

  constructor({ images, directories, progress }: RegistryTransfer, request: PullRequest, callerSignal: AbortSignal) {
    this.#images = images;
    this.#request = request;
    this.#progress = progress;
    const { namespace, name, lease, parallel = parallelLayers } = request;
    const reference = withDefaultTag(parseReference(name));
    const signal = AbortSignal.any([callerSignal, this.#stopped.signal]);
    this.#repository = new RepositoryClient({ ...request, reference, directories, action: "pull", signal });
    this.#lease = images.stores.leases.acquire({ namespace, lease, resumable: `pull ${name}` });
    const onFailure = (error: unknown) => this.#fail(error);
    this.#downloads = new Downloads({
      ...{ images, progress, namespace, name, parallel, onFailure },
      repository: this.#repository,
    });
  }

  async run(): Promise<PullResult> {
    const { namespace, name, labels, referrers, metadataOnly } = this.#request;
    const target = await this.#repository.target();
    await this.#store(target.descriptor, target.bytes);
    const main = await this.#findMain(target.descriptor);
    if (main && !metadataOnly) this.#fetchLayers(main.manifest, main);
    await this.#fetchOthers(target.descriptor, main?.descriptor.digest);
    if (main?.image && this.#unpacks) await this.#unpack(main.image);
    await this.#downloads.done();
    if (main?.image) this.#images.link(main.image);
    if (referrers) {
      const subjects = new Set([target.descriptor.digest, main?.descriptor.digest ?? target.descriptor.digest]);
      for (const subject of subjects) await this.#fetchReferrers(subject);
    }
    this.#repository.signal.throwIfAborted();
    const result = this.#images.set(namespace, name, target.descriptor, labels);
    this.#images.noteSource(namespace, target.descriptor.digest, name);
    return result;
  }

  /** Ends every download after a failure. @returns the failure that came first */
  async stop(error: unknown): Promise<unknown> {
    this.#fail(await this.#causeOf(error));
    await this.#downloads.settled();
    return this.#firstFailure?.error;
  }

  [Symbol.dispose](): void {
    this.#repository[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
  }

  #fail(error: unknown): void {
    this.#firstFailure ??= { error };
    this.#stopped.abort(error);
  }

  /**
   * Wrong content may fail to unpack before all of it is here. The check of its digest, at the end of the download,
   * is the error to report then. Failures of this machine, such as a full disk, are final.
   */
  async #causeOf(error: unknown): Promise<unknown> {
    if (this.#firstFailure || isLocalFailure(error)) return error;
    const failure = await this.#reading?.done.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return failure ?? error;
  }

  get #unpacks(): boolean {
    return (this.#request.unpack ?? true) && !this.#request.metadataOnly;
  }

  /** The requested manifest; undefined where all were requested, and there is none for this platform. */
  async #findMain(target: ImageDescriptor): Promise<MainManifest | undefined> {
    const { platform: text, allPlatforms, allMetadata, name } = this.#request;
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
      if (!isImage(found.manifest)) return { descriptor: found.manifestDescriptor, manifest: found.manifest, isKnown };
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
  async #fetchOthers(descriptor: ImageDescriptor, main: string | undefined, depth = 0): Promise<void> {
    const { allPlatforms, allMetadata, metadataOnly } = this.#request;
    if (!(allPlatforms || allMetadata) || descriptor.digest === main || depth > maxNesting) return;
    const bytes = await this.#document(descriptor);
    if (isIndexType(descriptor.mediaType)) {
      const { manifests } = parseIndex(bytes);
      this.#images.stores.metadata.blobs.link(
        descriptor.digest,
        manifests.map(({ digest }) => digest),
      );
      for (const child of manifests) await this.#fetchOthers(child, main, depth + 1);
      return;
    }
    const manifest = parseManifest(bytes);
    await this.#fetchConfig(descriptor, manifest);
    if (allPlatforms && !metadataOnly) this.#fetchLayers(manifest);
  }

  /** Fetches the documents that refer to another one (distribution-spec, "Listing Referrers"), with their content. */
  async #fetchReferrers(subject: string): Promise<void> {
    const { blobs } = this.#images.stores.metadata;
    for (const descriptor of await listReferrers(this.#repository, subject)) {
      if (isIndexType(descriptor.mediaType)) continue;
      const manifest = parseManifest(await this.#document(descriptor));
      await this.#fetchConfig(descriptor, manifest);
      await Promise.all(manifest.layers.map((layer) => this.#downloads.start(layer).done));
      blobs.link(subject, [descriptor.digest]);
    }
  }

  /** Fetches a manifest's configuration, and records the blobs that the manifest needs. */
  async #fetchConfig(descriptor: ImageDescriptor, manifest: ImageManifest): Promise<void> {
    const { blobs } = this.#images.stores.metadata;
    const needs = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    this.#lease.add(...needs);
    await this.#document(manifest.config);
    blobs.link(descriptor.digest, needs);
  }

  async #unpack(image: PlatformImage): Promise<void> {
    const { namespace } = this.#request;
    await this.#images.unpacker.unpack(namespace, image, {
      progress: this.#progress,
      signal: this.#repository.signal,
      open: ({ digest }) => {
        this.#reading = this.#downloads.find(digest);
        return this.#reading?.read();
      },
    });
    this.#reading = undefined;
  }

  /** A manifest, index or configuration: from the store, else from the registry. */
  async #document(descriptor: ImageDescriptor): Promise<Uint8Array> {
    const { content } = this.#images.stores;
    const { namespace, name } = this.#request;
    this.#lease.add(descriptor.digest);
    if (!content.share(descriptor, { namespace, managed: true })) {
      if (isIndexType(descriptor.mediaType) || isManifestType(descriptor.mediaType)) {
        await this.#store(descriptor, (await this.#repository.manifest(descriptor.digest)).bytes);
      } else await this.#downloads.start(descriptor).done;
    }
    this.#images.noteSource(namespace, descriptor.digest, name);
    return content.readAll(namespace, descriptor.digest);
  }

  async #store(descriptor: ImageDescriptor, bytes: Uint8Array): Promise<void> {
    const { digest, size } = descriptor;
    this.#lease.add(digest);
    await this.#images.stores.content.put(bytes, { namespace: this.#request.namespace, managed: true, digest, size });
    this.#progress.about(descriptor, "Download complete");
  }

  /** Starts to fetch the layers that are not here. */
  #fetchLayers(manifest: ImageManifest, { image, isKnown }: Partial<MainManifest> = {}): void {
    const { snapshots } = this.#images.stores;
    const { namespace } = this.#request;
    const chain = image ? chainIds(image.config) : [];
    const missing: ImageDescriptor[] = [];
    for (const [at, layer] of manifest.layers.entries()) {
      const isUnpacked = snapshots.find(namespace, chain[at] ?? "") !== undefined;
      if (this.#isHere(layer)) {
        // Docker shows no layers of an image that it has.
        if (isKnown && isUnpacked) this.#progress.hidden(layer, "Already exists");
        else this.#progress.layer(layer, isUnpacked ? "Already exists" : "Download complete");
      } else if (!this.#downloads.find(layer.digest) && !missing.some(({ digest }) => digest === layer.digest)) {
        this.#progress.layer(layer, "Pulling fs layer");
        missing.push(layer);
      }
    }
    for (const layer of missing) {
      if (this.#downloads.isFull) this.#progress.layer(layer, "Waiting");
      this.#downloads.start(layer);
    }
  }

  #isHere(layer: ImageDescriptor): boolean {
    const { namespace, name } = this.#request;
    const isHere = this.#images.stores.content.share(layer, { namespace, managed: true });
    if (isHere) this.#images.noteSource(namespace, layer.digest, name);
    return isHere;
  }
}

interface MainManifest {
  readonly descriptor: ImageDescriptor;
  readonly manifest: ImageManifest;
  /** Absent for an artifact that is not a root file system. */
  readonly image?: PlatformImage;
  /** The configuration was in the store before the pull. */
  readonly isKnown: boolean;
}
