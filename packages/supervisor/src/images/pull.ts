import { isRpcError, RpcError } from "@gantry/ipc";
import type { Image } from "@gantry/ipc/contracts/supervisor";
import { familiarReference, type ImageDescriptor, parseReference, withDefaultTag } from "@gantry/oci-spec";
import type { Ingest } from "../content/ingest.ts";
import type { Lease } from "../content/leases.ts";
import { inContext, invalidArgument, messageOf } from "../errors.ts";
import { collect } from "./collect.ts";
import { chainIds, findPlatformImage, type PlatformImage, requirePlatform, wantedPlatform } from "./image-content.ts";
import { type ImageStore, requireFullName } from "./image-store.ts";
import { type ProgressReporter, shortDigest } from "./progress.ts";
import { type RegistryAuth, RepositoryClient } from "./registry/client.ts";
import { TransientError } from "./registry/retry.ts";

export interface PullRequest {
  readonly namespace: string;
  readonly name: string;
  readonly platform?: string | undefined;
  readonly auth?: RegistryAuth | undefined;
  readonly plainHttp?: boolean | undefined;
}

const parallelLayers = 3;

/** Fetches an image, checks and unpacks it, and then gives it its name; a failure leaves nothing behind. */
export async function pullImage(
  images: ImageStore,
  request: PullRequest,
  progress: ProgressReporter,
  signal: AbortSignal,
): Promise<{ image: Image; changed: boolean }> {
  requireFullName(request.name);
  const { namespace, name } = request;
  const stopped = new AbortController();
  const pull = new Pull(images, request, progress, AbortSignal.any([signal, stopped.signal]));
  try {
    return await pull.run();
  } catch (error) {
    stopped.abort(error); // the other layers' fetches
    await pull.settled();
    collect(images.stores, namespace);
    const cause = error instanceof TransientError ? new RpcError("Unavailable", error.message) : error;
    if (isRpcError(cause) && cause.message.includes(name)) throw cause;
    throw inContext(cause, `cannot pull ${name}`);
  } finally {
    pull.release();
  }
}

class Pull {
  readonly #images: ImageStore;
  readonly #request: PullRequest;
  readonly #progress: ProgressReporter;
  readonly #repository: RepositoryClient;
  readonly #lease: Lease;
  readonly #fetches = new Map<string, Promise<void>>();

  constructor(images: ImageStore, request: PullRequest, progress: ProgressReporter, signal: AbortSignal) {
    this.#images = images;
    this.#request = request;
    this.#progress = progress;
    const reference = withDefaultTag(parseReference(request.name));
    const { auth, plainHttp = false } = request;
    this.#repository = new RepositoryClient({ reference, auth, plainHttp, signal });
    this.#lease = images.stores.leases.hold();
  }

  async run(): Promise<{ image: Image; changed: boolean }> {
    const { namespace, name, platform: platformText } = this.#request;
    const reference = withDefaultTag(parseReference(name));
    const target = await this.#repository.target();
    this.#lease.add(target.descriptor.digest);
    await this.#store(target.descriptor, target.bytes);
    const platform = wantedPlatform(platformText);
    const found = await findPlatformImage(target.descriptor, platform, (descriptor) => this.#document(descriptor));
    if (platformText !== undefined) requirePlatform(familiarReference(reference), found.config, platform);
    this.#lease.add(...chainIds(found.config));
    this.#fetchLayers(found);
    await this.#images.unpacker.unpack(namespace, found, this.#progress, (layer) => this.#fetched(layer));
    this.#images.link(found);
    const result = this.#images.set(namespace, name, target.descriptor);
    this.#images.noteSource(namespace, target.descriptor.digest, name);
    return result;
  }

  /** Resolves once no fetch writes any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#fetches.values());
    this.release();
  }

  release(): void {
    this.#lease[Symbol.dispose]();
  }

  /** A manifest, index or configuration: from the store, else from the registry. */
  async #document(descriptor: ImageDescriptor): Promise<Uint8Array> {
    const { content } = this.#images.stores;
    const { namespace } = this.#request;
    this.#lease.add(descriptor.digest);
    if (!content.share(descriptor, { namespace, managed: true })) {
      if (/manifest|index/.test(descriptor.mediaType)) {
        await this.#store(descriptor, await this.#repository.manifest(descriptor));
      } else await this.#fetchBlob(descriptor);
    }
    return content.readAll(namespace, descriptor.digest);
  }

  async #store(descriptor: ImageDescriptor, bytes: Uint8Array): Promise<void> {
    const { digest, size } = descriptor;
    await this.#images.stores.content.put(bytes, { namespace: this.#request.namespace, managed: true, digest, size });
  }

  /** Starts to fetch what is not here, a few layers at a time, in their order. */
  #fetchLayers({ manifest, config }: PlatformImage): void {
    const { metadata, content } = this.#images.stores;
    const { namespace } = this.#request;
    const chain = chainIds(config);
    const missing: ImageDescriptor[] = [];
    for (const [at, layer] of manifest.layers.entries()) {
      this.#lease.add(layer.digest);
      const isUnpacked = metadata.snapshots.get(namespace, chain[at] ?? "") !== undefined;
      const isHere = content.share(layer, { namespace, managed: true });
      const id = shortDigest(layer.digest);
      if (isHere) this.#progress.step(isUnpacked ? "Already exists" : "Download complete", id);
      else if (!missing.some(({ digest }) => digest === layer.digest)) {
        this.#progress.step("Pulling fs layer", id);
        missing.push(layer);
      }
    }
    const slots: Promise<void>[] = Array.from({ length: parallelLayers }, () => Promise.resolve());
    for (const [at, layer] of missing.entries()) {
      const fetch = (slots[at % parallelLayers] as Promise<void>).then(() => this.#fetchLayer(layer));
      fetch.catch(() => {}); // whoever waits for the layer hears of it
      slots[at % parallelLayers] = fetch.catch(() => {});
      this.#fetches.set(layer.digest, fetch);
    }
  }

  #fetched(layer: ImageDescriptor): AsyncIterable<Buffer> | undefined {
    const fetch = this.#fetches.get(layer.digest);
    return fetch && this.#afterFetch(layer, fetch);
  }

  async *#afterFetch({ digest }: ImageDescriptor, fetch: Promise<void>): AsyncGenerator<Buffer> {
    await fetch;
    yield* this.#images.stores.content.read(this.#request.namespace, digest);
  }

  async #fetchLayer(layer: ImageDescriptor): Promise<void> {
    const id = shortDigest(layer.digest);
    await this.#fetchBlob(layer, (current) => this.#progress.figure("Downloading", id, current, layer.size));
    this.#progress.step("Download complete", id);
  }

  async #fetchBlob({ digest, size }: ImageDescriptor, report?: (bytes: number) => void): Promise<void> {
    const { content } = this.#images.stores;
    let ingest: Ingest = content.ingest(digest);
    try {
      await this.#repository.blob(digest, {
        take: (chunk) => {
          if (ingest.size + chunk.length > size) {
            throw invalidArgument(`wrong size of ${digest}: it should have ${size} bytes and has more`);
          }
          ingest.write(chunk);
          report?.(ingest.size);
        },
        restart: () => {
          ingest.discard();
          ingest = content.ingest(digest);
        },
      });
      await content.commit(ingest, { namespace: this.#request.namespace, managed: true, digest, size });
    } catch (error) {
      ingest.discard();
      throw error instanceof TransientError ? new RpcError("Unavailable", messageOf(error)) : error;
    }
  }
}
