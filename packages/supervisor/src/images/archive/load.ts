import { readFile } from "node:fs/promises";
import type { Image } from "@gantry/ipc/contracts/supervisor";
import {
  formatReference,
  type ImageDescriptor,
  normalizeReference,
  parseDigest,
  parseReference,
} from "@gantry/oci-spec";
import type { Ingest } from "../../content/ingest.ts";
import type { Lease } from "../../content/leases.ts";
import type { ContentStore } from "../../content/store.ts";
import { inContext, invalidArgument } from "../../errors.ts";
import { collect } from "../collect.ts";
import { chainIds } from "../image-content.ts";
import type { ImageStore } from "../image-store.ts";
import type { ProgressReporter } from "../progress.ts";
import { readDockerArchive } from "./docker.ts";
import { readOciLayout } from "./oci.ts";
import { Spool } from "./spool.ts";

export interface LoadRequest {
  readonly namespace: string;
  readonly defaultName?: string | undefined;
  /** Repository that keeps an image whose last name is taken. */
  readonly keepReplacedIn?: string | undefined;
  readonly platform?: string | undefined;
}

/** An image of an archive whose blobs are in the content store. */
export interface LoadedImage {
  /** Full names; none when the archive gives none. */
  readonly names: string[];
  readonly target: ImageDescriptor;
}

/** A load that is under way: the archive's files, and the way into the content store. */
export class Loading {
  readonly namespace: string;
  readonly platform: string | undefined;
  readonly defaultName: string | undefined;
  readonly content: ContentStore;
  readonly spool: Spool;
  readonly #lease: Lease;

  constructor(request: LoadRequest, content: ContentStore, spool: Spool, lease: Lease) {
    this.namespace = request.namespace;
    this.platform = request.platform;
    this.defaultName = request.defaultName;
    this.content = content;
    this.spool = spool;
    this.#lease = lease;
  }

  /** Keeps digests and chain ids until the load has ended. */
  hold(...ids: readonly string[]): void {
    this.#lease.add(...ids);
  }

  /** Bytes of a small file, whether it was committed or not. */
  async read(file: Ingest): Promise<Buffer> {
    if (this.content.has(this.namespace, file.digest)) return this.content.readAll(this.namespace, file.digest);
    return await readFile(file.path);
  }

  /** Takes a file of the archive over as a blob. */
  async commit(file: Ingest, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    this.#lease.add(file.digest);
    return await this.content.commit(file, { namespace: this.namespace, managed: true, ...expected });
  }

  async put(bytes: Uint8Array, expected: Expected = {}): Promise<{ digest: string; size: number }> {
    const blob = await this.content.put(bytes, { namespace: this.namespace, managed: true, ...expected });
    this.#lease.add(blob.digest);
    return blob;
  }
}

interface Expected {
  readonly digest?: string;
  readonly size?: number;
}

/** Reads every image of an archive, unpacks it and gives it its names; a failure leaves nothing of it behind. */
export async function loadImages(
  images: ImageStore,
  request: LoadRequest,
  input: AsyncIterable<Uint8Array>,
  progress: ProgressReporter,
): Promise<Image[]> {
  const { stores } = images;
  try {
    using lease = stores.leases.hold();
    using spool = await Spool.read(stores.content, input);
    const loading = new Loading(request, stores.content, spool, lease);
    const loaded = await readArchive(loading);
    const named: Image[] = [];
    for (const { names, target } of loaded) {
      await unpack(images, loading, target, progress);
      for (const name of namesFor(names, target, { ...request, alone: loaded.length === 1 })) {
        keepReplaced(images, request, { name, target });
        named.push(images.set(request.namespace, name, target).image);
      }
    }
    return named;
  } catch (error) {
    throw inContext(error, "cannot load the archive");
  } finally {
    collect(stores, request.namespace);
  }
}

async function readArchive(loading: Loading): Promise<LoadedImage[]> {
  const { spool } = loading;
  if (!spool.has("oci-layout") || !spool.has("index.json")) {
    if (spool.has("manifest.json")) return await readDockerArchive(loading);
    throw invalidArgument("it is no image archive: it has neither manifest.json nor oci-layout and index.json");
  }
  const images = await readOciLayout(loading);
  // Some writers name the images in manifest.json alone.
  if (images.some(({ names }) => names.length > 0) || !spool.has("manifest.json")) return images;
  return await readDockerArchive(loading);
}

async function unpack(
  images: ImageStore,
  loading: Loading,
  target: ImageDescriptor,
  progress: ProgressReporter,
): Promise<void> {
  const { namespace, platform } = loading;
  const found = await images.platformImage(namespace, { name: target.digest, target }, platform);
  loading.hold(...chainIds(found.config));
  await images.unpacker.unpack(namespace, found, progress);
  images.link(found);
}

/** An image that has no name at all is called by its digest. */
function namesFor(
  names: readonly string[],
  target: ImageDescriptor,
  { defaultName, alone }: { readonly defaultName?: string | undefined; readonly alone: boolean },
): readonly string[] {
  if (names.length > 0) return names;
  if (defaultName === undefined) return [target.digest];
  return [alone ? normalizeReference(defaultName) : nameByDigest(defaultName, target)];
}

/** Gives the image that is about to lose its last name another one. */
function keepReplaced(
  images: ImageStore,
  { namespace, keepReplacedIn }: LoadRequest,
  { name, target }: { readonly name: string; readonly target: ImageDescriptor },
): void {
  if (keepReplacedIn === undefined) return;
  const all = images.stores.metadata.images.list(namespace);
  const before = all.find((image) => image.name === name)?.target;
  if (!before || before.digest === target.digest) return;
  if (all.some((image) => image.name !== name && image.target.digest === before.digest)) return;
  images.set(namespace, nameByDigest(keepReplacedIn, before), before);
}

/** A name in a repository, with the digest as its tag. */
function nameByDigest(repository: string, { digest }: Pick<ImageDescriptor, "digest">): string {
  const { domain, path } = parseReference(repository);
  return formatReference({ domain, path, tag: parseDigest(digest).hex.slice(0, 64) });
}
