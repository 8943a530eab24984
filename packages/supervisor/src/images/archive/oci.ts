import {
  type ImageDescriptor,
  isIndexType,
  isManifestType,
  parseDigest,
  parseImageLayout,
  parseIndex,
  parseManifest,
} from "@gantry/oci-spec";
import { invalidArgument, notFound } from "../../errors.ts";
import { findPlatformImage, wantedPlatform } from "../image-content.ts";
import type { LoadedImage, Loading } from "./loading.ts";
import { annotatedNames } from "./names.ts";

const maxNesting = 4;

/** Reads the images of an OCI layout (image-spec image-layout.md): each entry of index.json. */
export async function readOciLayout(loading: Loading): Promise<LoadedImage[]> {
  const { source, request } = loading;
  parseImageLayout(await source.document("oci-layout"));
  const entries = parseIndex(await source.document("index.json")).manifests;
  const images: LoadedImage[] = [];
  for (const descriptor of entries) {
    if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) continue;
    const names = annotatedNames(descriptor, request);
    if (names === undefined) continue;
    const before = images.find((image) => image.target.digest === descriptor.digest);
    if (before) before.names.push(...names.filter((name) => !before.names.includes(name)));
    else images.push({ names, target: await readTarget(loading, descriptor) });
  }
  if (images.length > 0) return images;
  if (request.baseName === undefined) throw invalidArgument("the archive holds no image");
  throw invalidArgument(`the archive holds no image of ${request.baseName}`);
}

/** Takes over what the wanted platforms' images need. */
async function readTarget(loading: Loading, target: ImageDescriptor): Promise<ImageDescriptor> {
  const { mediaType, digest, size } = target;
  const plain = { mediaType, digest, size };
  if (loading.request.allPlatforms === true) {
    if (await takeTree(loading, plain, 0)) return plain;
    throw notFound(`the archive lacks ${blobPath(digest)}`);
  }
  const read = async (descriptor: ImageDescriptor) => {
    await takeBlob(loading, descriptor);
    return loading.readBlob(descriptor);
  };
  const found = await findPlatformImage(plain, wantedPlatform(loading.request.platform), read);
  for (const layer of found.manifest.layers) await takeBlob(loading, layer, true);
  loading.images.link(found);
  return plain;
}

/** Takes a manifest, or all of an index that the archive has. False when it has nothing of it. */
async function takeTree(loading: Loading, descriptor: ImageDescriptor, depth: number): Promise<boolean> {
  if (depth > maxNesting) throw invalidArgument(`image index ${descriptor.digest} is nested too deeply`);
  if (!loading.source.has(blobPath(descriptor.digest)) && !loading.has(descriptor)) return false;
  await takeBlob(loading, descriptor);
  const bytes = loading.readBlob(descriptor);
  const parts: ImageDescriptor[] = [];
  if (isIndexType(descriptor.mediaType)) {
    for (const child of parseIndex(bytes).manifests) if (await takeTree(loading, child, depth + 1)) parts.push(child);
  } else {
    const { config, layers } = parseManifest(bytes);
    parts.push(config, ...layers);
    await takeBlob(loading, config);
    for (const layer of layers) await takeBlob(loading, layer, true);
  }
  const digests = parts.map(({ digest }) => digest);
  loading.link(descriptor.digest, digests);
  return parts.length > 0;
}

/** @throws RpcError NotFound when neither the archive nor the store has it, InvalidArgument for wrong bytes */
async function takeBlob(loading: Loading, { digest, size }: ImageDescriptor, isLayer = false): Promise<void> {
  const path = blobPath(digest);
  if (!loading.source.has(path)) {
    if (!loading.share({ digest, size })) throw notFound(`the archive lacks ${path}`);
    return;
  }
  if (loading.has({ digest })) return loading.hold(digest);
  // A layout's files are read with sha256; others are read once more.
  const { algorithm } = parseDigest(digest);
  if (algorithm === "sha256") {
    const file = await loading.source.file(path);
    if (isLayer) loading.commitLayer(file, { digest, size });
    else await loading.commit(file, { digest, size });
  } else await loading.put(await loading.source.document(path), { digest, size });
}

function blobPath(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}
