import { Semaphore } from "@gantry/common/semaphore";
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
import { inContext, isNotFound } from "../../errors.ts";
import { collect } from "../../gc/collect.ts";
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
import { type ProgressReporter, refOf, shortDigest } from "../progress.ts";
import type { RegistryCall } from "../registry/call.ts";
import { RepositoryClient } from "../registry/client.ts";
import { lastCause } from "../registry/error-context.ts";
import { listReferrers } from "../registry/referrers.ts";
import type { RegistryTransfer } from "../registry/transfer.ts";
import { BlobFetch } from "./blob-fetch.ts";

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
  /** Keeps what is fetched. */
  readonly lease?: string | undefined;
}

const parallelLayers = 3;

/** Fetches an image, checks and unpacks it, and then gives it its name; a failure leaves nothing behind. */
export async function pullImage(
  parts: RegistryTransfer,
  request: PullRequest,
  signal: AbortSignal,
): Promise<{ image: Image; changed: boolean }> {
  requireFullName(request.name);
  const { namespace, name } = request;
  const stopped = new AbortController();
  const pull = new Pull(parts, request, AbortSignal.any([signal, stopped.signal]));
  try {
    return await pull.run();
  } catch (error) {
    const first = await pull.causeOf(error);
    stopped.abort(first); // the other layers' fetches
    await pull.settled();
    const cause = lastCause(first);
    if (isRpcError(cause) && cause.message.includes(name)) throw cause;
    throw inContext(cause, `cannot pull ${name}`);
  } finally {
    pull.release();
    // Also what an earlier try, of another state of the tag, has left.
    collect(parts.images.stores, namespace);
  }
}

class Pull {
  readonly #images: ImageStore;
  readonly #request: PullRequest;
  readonly #progress: ProgressReporter;
  readonly #repository: RepositoryClient;
  readonly #lease: Lease;
  readonly #fetches = new Map<string, BlobFetch>();
  readonly #downloads: Semaphore;
  /** What the unpacker is reading. */
  #reading: BlobFetch | undefined;

  constructor({ images, directories, progress }: RegistryTransfer, request: PullRequest, signal: AbortSignal) {
    this.#images = images;
    this.#request = request;
    this.#progress = progress;
    const reference = withDefaultTag(parseReference(request.name));
    this.#repository = new RepositoryClient({ ...request, reference, directories, action: "pull", signal });
    this.#lease = images.stores.leases.hold({
      namespace: request.namespace,
      lease: request.lease,
      resumable: `pull ${request.name}`,
    });
    this.#downloads = new Semaphore(request.parallel ?? parallelLayers);
  }

  async run(): Promise<{ image: Image; changed: boolean }> {
    const { namespace, name, labels, referrers, metadataOnly } = this.#request;
    const target = await this.#repository.target();
    await this.#keep(target.descriptor, target.bytes);
    const main = await this.#main(target.descriptor);
    if (main && !metadataOnly) this.#fetchLayers(main.manifest, main);
    await this.#others(target.descriptor, main?.descriptor.digest);
    if (main?.image && this.#unpacks) await this.#unpack(main.image);
    await Promise.all([...this.#fetches.values()].map(({ done }) => done));
    if (main?.image) this.#images.link(main.image);
    if (referrers) {
      const subjects = new Set([target.descriptor.digest, main?.descriptor.digest ?? target.descriptor.digest]);
      for (const subject of subjects) await this.#fetchReferrers(subject);
    }
    const result = this.#images.set(namespace, name, target.descriptor, labels);
    this.#images.noteSource(namespace, target.descriptor.digest, name);
    return result;
  }

  /** Content that is wrong may fail to unpack before all of it is here: then its digest is what says it. */
  async causeOf(error: unknown): Promise<unknown> {
    const failure = await this.#reading?.done.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return failure ?? error;
  }

  /** Resolves once no fetch writes any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#fetches.values()].map(({ done }) => done));
    this.release();
  }

  release(): void {
    this.#lease[Symbol.dispose]();
    this.#repository[Symbol.dispose]();
  }

  get #unpacks(): boolean {
    return (this.#request.unpack ?? true) && !this.#request.metadataOnly;
  }

  /** The manifest that was asked for; undefined where all were, and there is none for this platform. */
  async #main(target: ImageDescriptor): Promise<Main | undefined> {
    const { platform: text, allPlatforms, allMetadata, name } = this.#request;
    const platform = wantedPlatform(text);
    const read = (descriptor: ImageDescriptor) => this.#document(descriptor);
    try {
      const found = await findPlatformManifest(target, platform, read);
      const { config } = found.manifest;
      const isKnown = this.#images.stores.content.has(this.#request.namespace, config.digest);
      await this.#keepManifest(found.manifestDescriptor, found.manifest);
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

  /** The other manifests of an index, where they were asked for. */
  async #others(descriptor: ImageDescriptor, main: string | undefined, depth = 0): Promise<void> {
    const { allPlatforms, allMetadata, metadataOnly } = this.#request;
    if (!(allPlatforms || allMetadata) || descriptor.digest === main || depth > maxNesting) return;
    const bytes = await this.#document(descriptor);
    if (isIndexType(descriptor.mediaType)) {
      const { manifests } = parseIndex(bytes);
      this.#images.stores.metadata.blobs.link(
        descriptor.digest,
        manifests.map(({ digest }) => digest),
      );
      for (const child of manifests) await this.#others(child, main, depth + 1);
      return;
    }
    const manifest = parseManifest(bytes);
    await this.#keepManifest(descriptor, manifest);
    if (allPlatforms && !metadataOnly) this.#fetchLayers(manifest);
  }

  /** What refers to a document (distribution-spec, "Listing Referrers"), with all of its content. */
  async #fetchReferrers(subject: string): Promise<void> {
    const { blobs } = this.#images.stores.metadata;
    for (const descriptor of await listReferrers(this.#repository, subject)) {
      if (isIndexType(descriptor.mediaType)) continue;
      const manifest = parseManifest(await this.#document(descriptor));
      await this.#keepManifest(descriptor, manifest);
      const fetches = manifest.layers.map((layer) => this.#begin(layer).done);
      await Promise.all(fetches);
      blobs.link(subject, [descriptor.digest]);
    }
  }

  /** Keeps a manifest's configuration with it, and says what it needs. */
  async #keepManifest(descriptor: ImageDescriptor, manifest: ImageManifest): Promise<void> {
    const { blobs } = this.#images.stores.metadata;
    const needs = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    this.#lease.add(...needs);
    await this.#document(manifest.config);
    blobs.link(descriptor.digest, needs);
  }

  async #unpack(image: PlatformImage): Promise<void> {
    const { namespace } = this.#request;
    await this.#images.unpacker.unpack(namespace, image, this.#progress, ({ digest }) => {
      this.#reading = this.#fetches.get(digest);
      return this.#reading?.read();
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
        await this.#keep(descriptor, (await this.#repository.manifest(descriptor.digest)).bytes);
      } else await this.#begin(descriptor).done;
    }
    this.#images.noteSource(namespace, descriptor.digest, name);
    return content.readAll(namespace, descriptor.digest);
  }

  async #keep(descriptor: ImageDescriptor, bytes: Uint8Array): Promise<void> {
    const { digest, size } = descriptor;
    this.#lease.add(digest);
    await this.#images.stores.content.put(bytes, { namespace: this.#request.namespace, managed: true, digest, size });
    this.#progress.about(descriptor, "Download complete");
  }

  /** Starts to fetch what is not here, a few layers at a time, in their order. */
  #fetchLayers(manifest: ImageManifest, { image, isKnown }: Partial<Main> = {}): void {
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
      } else if (!this.#fetches.has(layer.digest) && !missing.some(({ digest }) => digest === layer.digest)) {
        this.#progress.layer(layer, "Pulling fs layer");
        missing.push(layer);
      }
    }
    for (const layer of missing) {
      if (this.#downloads.isFull) this.#progress.layer(layer, "Waiting");
      this.#begin(layer);
    }
  }

  #isHere(layer: ImageDescriptor): boolean {
    const { namespace, name } = this.#request;
    const isHere = this.#images.stores.content.share(layer, { namespace, managed: true });
    if (isHere) this.#images.noteSource(namespace, layer.digest, name);
    return isHere;
  }

  #begin(descriptor: ImageDescriptor): BlobFetch {
    const present = this.#fetches.get(descriptor.digest);
    if (present) return present;
    const { namespace, name } = this.#request;
    const { content } = this.#images.stores;
    const id = shortDigest(descriptor.digest);
    const ref = refOf(descriptor);
    const isLayer = ref.startsWith("layer-");
    const report = (current: number) => {
      if (!isLayer) return;
      this.#progress.amount({ status: "Downloading", id, ref, current, total: descriptor.size });
      if (current === descriptor.size) this.#progress.layer(descriptor, "Verifying Checksum");
    };
    const permit = this.#downloads.request();
    const fetch = new BlobFetch(
      { content, namespace, repository: this.#repository, descriptor, report },
      permit.acquired,
    );
    this.#fetches.set(descriptor.digest, fetch);
    fetch.done.then(
      () => {
        permit.release();
        this.#images.noteSource(namespace, descriptor.digest, name);
        this.#progress.about(descriptor, "Download complete");
      },
      () => permit.release(),
    );
    return fetch;
  }
}

interface Main {
  readonly descriptor: ImageDescriptor;
  readonly manifest: ImageManifest;
  /** Absent for an artifact that is no root file system. */
  readonly image?: PlatformImage;
  /** Its configuration was here before. */
  readonly isKnown: boolean;
}
