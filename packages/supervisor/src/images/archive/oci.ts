import {
  type ImageDescriptor,
  type ImageManifest,
  isIndexType,
  isManifestType,
  parseDigest,
  parseImageLayout,
  parseIndex,
  parseManifest,
} from "@gantry/oci-spec";
import { invalidArgument, notFound } from "../../errors.ts";
import { blobPath } from "../blob-path.ts";
import { findPlatformImage, isImage, maxNesting, notAnImage, wantedPlatform } from "../image-content.ts";
import type { ArchiveLoader, LoadedImage } from "./archive-loader.ts";
import { annotatedNames } from "./names.ts";

/** Reads the images of an OCI layout (image-spec image-layout.md): each entry of index.json. */
export async function readOciLayout(loader: ArchiveLoader): Promise<LoadedImage[]> {
  const { source, request } = loader;
  parseImageLayout(await source.document("oci-layout"));
  const entries = parseIndex(await source.document("index.json")).manifests;
  const images: LoadedImage[] = [];
  let artifact: ImageManifest | undefined;
  for (const descriptor of entries) {
    if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) continue;
    const names = annotatedNames(descriptor, request);
    if (names === undefined) continue;
    const before = images.find((image) => image.target.digest === descriptor.digest);
    if (before) {
      before.names.push(...names.filter((name) => !before.names.includes(name)));
      continue;
    }
    const other = await readArtifact(loader, descriptor);
    artifact ??= other;
    // Signatures and bills of materials beside an image are kept only with the whole archive.
    if (other && request.allPlatforms !== true) continue;
    images.push({ names, target: await readTarget(loader, descriptor), isArtifact: other !== undefined });
  }
  if (images.length > 0) return images;
  if (artifact) throw notAnImage(artifact);
  if (request.baseName === undefined) throw invalidArgument("the archive holds no image");
  throw invalidArgument(`the archive holds no image of ${request.baseName}`);
}

/** The manifest of an artifact that is not an image; undefined for an image, and for an index. */
async function readArtifact(loader: ArchiveLoader, descriptor: ImageDescriptor): Promise<ImageManifest | undefined> {
  if (!isManifestType(descriptor.mediaType)) return undefined;
  await takeBlob(loader, descriptor);
  const manifest = parseManifest(loader.readBlob(descriptor));
  await takeBlob(loader, manifest.config);
  return isImage(manifest, () => loader.readBlob(manifest.config)) ? undefined : manifest;
}

/** Adds the content of the requested platforms to the store. */
async function readTarget(loader: ArchiveLoader, target: ImageDescriptor): Promise<ImageDescriptor> {
  const { mediaType, digest, size } = target;
  const plain = { mediaType, digest, size };
  if (loader.request.allPlatforms === true) {
    if (await takeTree(loader, plain, 0)) return plain;
    throw notFound(`the archive lacks ${blobPath(digest)}`);
  }
  const read = async (descriptor: ImageDescriptor) => {
    await takeBlob(loader, descriptor);
    return loader.readBlob(descriptor);
  };
  const found = await findPlatformImage(plain, wantedPlatform(loader.request.platform), read);
  for (const layer of found.manifest.layers) await takeBlob(loader, layer, true);
  loader.images.link(found);
  return plain;
}

/** Adds a manifest, or all parts of an index that the archive has. @returns false when it has none */
async function takeTree(loader: ArchiveLoader, descriptor: ImageDescriptor, depth: number): Promise<boolean> {
  if (depth > maxNesting) throw invalidArgument(`image index ${descriptor.digest} is nested too deeply`);
  if (!loader.source.has(blobPath(descriptor.digest)) && !loader.has(descriptor)) return false;
  await takeBlob(loader, descriptor);
  const bytes = loader.readBlob(descriptor);
  const parts: ImageDescriptor[] = [];
  if (isIndexType(descriptor.mediaType)) {
    for (const child of parseIndex(bytes).manifests) if (await takeTree(loader, child, depth + 1)) parts.push(child);
  } else {
    const { config, layers } = parseManifest(bytes);
    parts.push(config, ...layers);
    await takeBlob(loader, config);
    for (const layer of layers) await takeBlob(loader, layer, true);
  }
  const digests = parts.map(({ digest }) => digest);
  loader.link(descriptor.digest, digests);
  return parts.length > 0;
}

/** @throws RpcError NotFound when neither the archive nor the store has the blob, InvalidArgument for wrong bytes */
async function takeBlob(loader: ArchiveLoader, { digest, size }: ImageDescriptor, isLayer = false): Promise<void> {
  const path = blobPath(digest);
  if (!loader.source.has(path)) {
    if (!loader.share({ digest, size })) throw notFound(`the archive lacks ${path}`);
    return;
  }
  if (loader.has({ digest })) return loader.keep(digest);
  // Files of a layout are hashed by sha256 while they are read; other algorithms need a second pass.
  const { algorithm } = parseDigest(digest);
  if (algorithm === "sha256") {
    const file = await loader.source.file(path);
    if (isLayer) loader.commitLayer(file, { digest, size });
    else await loader.commit(file, { digest, size });
  } else await loader.put(await loader.source.document(path), { digest, size });
}
