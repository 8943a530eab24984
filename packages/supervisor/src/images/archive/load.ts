import type { Image } from "@gantry/ipc/contracts/supervisor";
import { type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import { inContext, invalidArgument } from "../../errors.ts";
import { collectingAfter } from "../../gc/collect.ts";
import { chainIds } from "../image-content.ts";
import { type ImageStore, plainDescriptor, requireFullName } from "../image-store.ts";
import type { ImageWork } from "../image-work.ts";
import { ArchiveLoader, type LoadedImage, type LoadRequest } from "./archive-loader.ts";
import type { ArchiveSource } from "./archive-source.ts";
import { readDockerArchive } from "./docker.ts";
import { LayoutDirectory } from "./layout-directory.ts";
import { isLegacyArchive, readLegacyArchive } from "./legacy.ts";
import { finalNames, nameByDigest } from "./names.ts";
import { readOciLayout } from "./oci.ts";
import { Spool } from "./spool.ts";

export type { LoadRequest } from "./archive-loader.ts";

/** Reads, unpacks and names every image of an archive; a failure leaves nothing behind. */
export async function loadImages(
  work: ImageWork,
  request: LoadRequest,
  input: AsyncIterable<Uint8Array>,
): Promise<Image[]> {
  if (request.indexName !== undefined) requireFullName(request.indexName);
  return await collectingAfter(work.images.stores, request.namespace, async () => {
    try {
      return await load(work, request, input);
    } catch (error) {
      throw inContext(error, "cannot load the archive");
    }
  });
}

async function load(work: ImageWork, request: LoadRequest, input: AsyncIterable<Uint8Array>): Promise<Image[]> {
  const { images, signal } = work;
  using lease = images.stores.leases.acquire(request);
  using source = await openSource(work, request, input);
  await using loader = new ArchiveLoader(images, request, source, lease);
  const loaded = await readArchive(loader);
  loader.storeLayers();
  if (request.unpack !== false) {
    for (const { target, isArtifact } of loaded) if (!isArtifact) await unpack(work, loader, target);
  }
  await loader.settled();
  const index = await indexOf(loader, loaded);
  signal?.throwIfAborted();
  return nameAll(loader, loaded, index);
}

async function openSource(
  { native, images: { stores } }: ImageWork,
  { directory }: LoadRequest,
  input: AsyncIterable<Uint8Array>,
): Promise<ArchiveSource> {
  if (directory !== undefined) return new LayoutDirectory(native, stores.content, directory);
  return await Spool.read(stores.content, input);
}

async function readArchive(loader: ArchiveLoader): Promise<LoadedImage[]> {
  const { source } = loader;
  const hasManifest = source.has("manifest.json");
  if (source.has("oci-layout") && source.has("index.json")) {
    const images = await readOciLayout(loader);
    // Some writers name the images only in manifest.json.
    return images.some(({ names }) => names.length > 0) || !hasManifest ? images : await readDockerArchive(loader);
  }
  if (hasManifest) return await readDockerArchive(loader);
  if (isLegacyArchive(loader)) return await readLegacyArchive(loader);
  throw invalidArgument(
    "not an image archive: it has neither manifest.json nor oci-layout and index.json, nor repositories",
  );
}

async function unpack({ progress, signal }: ImageWork, loader: ArchiveLoader, target: ImageDescriptor): Promise<void> {
  const { namespace, images, request } = loader;
  const found = await images.platformImage(namespace, { name: target.digest, target }, request.platform);
  loader.keep(...chainIds(found.config));
  await images.unpacker.unpack(namespace, found, { progress, signal, open: (layer) => loader.layerFile(layer) });
  images.link(found);
}

/** The index of the whole archive, where the request names it: the archive's own, or a new one of its images. */
async function indexOf(loader: ArchiveLoader, loaded: readonly LoadedImage[]): Promise<LoadedImage | undefined> {
  const { request, source } = loader;
  if (request.indexName === undefined) return undefined;
  const targets = loaded.map(({ target }) => target);
  const made = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: targets.map(plainDescriptor) };
  const isOwn = source.has("oci-layout") && source.has("index.json");
  const bytes = isOwn ? await source.document("index.json") : Buffer.from(JSON.stringify(made));
  const blob = await loader.put(bytes);
  loader.link(
    blob.digest,
    targets.map(({ digest }) => digest),
  );
  return { names: [request.indexName], target: { mediaType: mediaTypes.index, ...blob } };
}

function nameAll(loader: ArchiveLoader, loaded: readonly LoadedImage[], index: LoadedImage | undefined): Image[] {
  const { images, request } = loader;
  const isAlone = loaded.length === 1;
  const all = loaded.map(({ names, target }) => ({ names: finalNames(names, target, request, isAlone), target }));
  return [...all, ...(index ? [index] : [])].flatMap(({ names, target }) =>
    names.map((name) => {
      keepReplaced(images, request, { name, target });
      return images.set(request.namespace, name, target).image;
    }),
  );
}

/** Gives an image that is about to lose its last name another one. */
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
