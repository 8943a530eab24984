import { isRpcError } from "@gantry/ipc";
import type { Image } from "@gantry/ipc/contracts/supervisor";
import { type ImageDescriptor, type ImageManifest, parseReference, withDefaultTag } from "@gantry/oci-spec";
import type { Lease } from "../../content/leases.ts";
import { inContext, isLocalFailure } from "../../errors.ts";
import { collectingAfter } from "../../gc/collect.ts";
import { chainIds, type PlatformImage } from "../image-content.ts";
import { type ImageStore, requireFullName } from "../image-store.ts";
import type { ProgressReporter } from "../progress.ts";
import { RepositoryClient } from "../registry/client.ts";
import { afterRetries } from "../registry/error-context.ts";
import type { RegistryTransfer } from "../registry/transfer.ts";
import type { BlobFetch } from "./blob-fetch.ts";
import { type MainManifest, PullDocuments } from "./documents.ts";
import { Downloads } from "./downloads.ts";
import type { PullRequest } from "./request.ts";

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
  readonly #documents: PullDocuments;
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
    const [repository, downloads] = [this.#repository, this.#downloads];
    this.#documents = new PullDocuments({ images, progress, request, repository, downloads, lease: this.#lease });
  }

  async run(): Promise<PullResult> {
    const { namespace, name, labels, referrers, metadataOnly } = this.#request;
    const target = await this.#repository.target();
    await this.#documents.store(target.descriptor, target.bytes);
    const main = await this.#documents.findMain(target.descriptor);
    if (main && !metadataOnly) this.#fetchLayers(main.manifest, main);
    await this.#documents.fetchOthers(target.descriptor, main?.descriptor.digest, (manifest) =>
      this.#fetchLayers(manifest),
    );
    if (main?.image && this.#unpacks) await this.#unpack(main.image);
    await this.#downloads.done();
    if (main?.image) this.#images.link(main.image);
    if (referrers) {
      const subjects = new Set([target.descriptor.digest, main?.descriptor.digest ?? target.descriptor.digest]);
      for (const subject of subjects) await this.#documents.fetchReferrers(subject);
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
   * Corrupt content may fail to unpack before it has arrived completely. Its wrong digest, at the end of the download,
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
