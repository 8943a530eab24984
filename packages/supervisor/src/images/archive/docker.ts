import { buffer } from "node:stream/consumers";
import {
  type DockerArchive,
  type ImageConfig,
  type ImageDescriptor,
  mediaTypes,
  parseDockerArchive,
  parseImageConfig,
} from "@gantry/oci-spec";
import { compress } from "../../diff/compress.ts";
import { invalidArgument } from "../../errors.ts";
import { compressionOf, decompress, magicBytes } from "../../layers/decompress.ts";
import { requireLayerCount } from "../image-content.ts";
import { isLayerCompression, layerDescriptor } from "../layer-descriptor.ts";
import { manifestBytes, manifestDescriptor } from "../new-image.ts";
import type { ArchiveLoader, LoadedImage } from "./archive-loader.ts";
import { keptNames } from "./names.ts";

/** Reads the images of a docker-archive: manifest.json, which names configurations, layers and tags. */
export async function readDockerArchive(loader: ArchiveLoader): Promise<LoadedImage[]> {
  const images: LoadedImage[] = [];
  for (const entry of parseDockerArchive(await loader.source.document("manifest.json"))) {
    const names = keptNames(entry.RepoTags ?? [], loader.request);
    if (names) images.push({ names, target: await readEntry(loader, entry) });
  }
  if (images.length === 0) throw invalidArgument("the archive has no requested image");
  return images;
}

async function readEntry(loader: ArchiveLoader, entry: DockerArchive[number]): Promise<ImageDescriptor> {
  const layerPaths = entry.Layers ?? [];
  requireLayerCount(layerPaths.length);
  const document = parseImageConfig(await loader.read(entry.Config));
  const { diff_ids: diffIds = [] } = document.rootfs;
  if (diffIds.length !== layerPaths.length) {
    throw invalidArgument(`${entry.Config} names ${diffIds.length} layers, manifest.json ${layerPaths.length}`);
  }
  const config = await loader.commit(await loader.source.file(entry.Config));
  const layers: ImageDescriptor[] = [];
  for (const path of layerPaths) layers.push(await takeLayer(loader, path));
  return await putManifest(loader, { config, document, layers });
}

/** Adds a layer of the archive to the store: as it is, or decompressed where layers are not stored in its format. */
export async function takeLayer(loader: ArchiveLoader, path: string): Promise<ImageDescriptor> {
  const blob = loader.commitLayer(await loader.source.file(path));
  const head = await buffer(loader.readLayer(blob, magicBytes));
  if (isLayerCompression(compressionOf(head))) return layerDescriptor(blob, head);
  using plain = loader.images.stores.content.ingest();
  for await (const piece of decompress(loader.readLayer(blob))) plain.write(piece);
  loader.dropLayer(blob);
  return { mediaType: mediaTypes.layer, ...(await loader.commit(plain)) };
}

/** Creates the manifest, which a docker-archive does not have. */
export async function putManifest(
  loader: ArchiveLoader,
  image: {
    readonly config: { digest: string; size: number };
    readonly document: ImageConfig;
    readonly layers: readonly ImageDescriptor[];
  },
): Promise<ImageDescriptor> {
  const { config, document, layers } = image;
  for (const [at, { mediaType, digest }] of layers.entries()) {
    const expected = document.rootfs.diff_ids?.[at];
    if (mediaType === mediaTypes.layer && digest !== expected) {
      throw invalidArgument(`wrong content: a layer should be ${expected} and is ${digest}`);
    }
  }
  const kept = loader.request.compress ? await compressPlain(loader, layers) : layers;
  const target = manifestDescriptor(await loader.put(manifestBytes(config, kept)));
  loader.link(target.digest, [config.digest, ...kept.map(({ digest }) => digest)]);
  return target;
}

/** Stores uncompressed layers as gzip. */
async function compressPlain(loader: ArchiveLoader, layers: readonly ImageDescriptor[]): Promise<ImageDescriptor[]> {
  const gzipped = new Map<string, ImageDescriptor>(); // an image may have the same layer twice
  for (const layer of layers) {
    if (layer.mediaType !== mediaTypes.layer || gzipped.has(layer.digest)) continue;
    gzipped.set(layer.digest, await compressed(loader, layer));
  }
  return layers.map((layer) => gzipped.get(layer.digest) ?? layer);
}

async function compressed(loader: ArchiveLoader, layer: ImageDescriptor): Promise<ImageDescriptor> {
  using ingest = loader.images.stores.content.ingest();
  for await (const piece of compress(loader.readLayer(layer), "gzip")) ingest.write(piece);
  const blob = await loader.commit(ingest);
  loader.dropLayer(layer);
  return { mediaType: mediaTypes.layerGzip, ...blob };
}
