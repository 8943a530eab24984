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
import { requireLayerCount } from "../image-content.ts";
import { layerDescriptor } from "../layer-descriptor.ts";
import { manifestBytes, manifestDescriptor } from "../new-image.ts";
import type { LoadedImage, Loading } from "./loading.ts";
import { keptNames } from "./names.ts";

/** Reads the images of a docker-archive: manifest.json, which names configurations, layers and tags. */
export async function readDockerArchive(loading: Loading): Promise<LoadedImage[]> {
  const images: LoadedImage[] = [];
  for (const entry of parseDockerArchive(await loading.source.document("manifest.json"))) {
    const names = keptNames(entry.RepoTags ?? [], loading.request);
    if (names) images.push({ names, target: await readEntry(loading, entry) });
  }
  if (images.length === 0) throw invalidArgument("the archive holds no image that is asked for");
  return images;
}

async function readEntry(loading: Loading, entry: DockerArchive[number]): Promise<ImageDescriptor> {
  const layerPaths = entry.Layers ?? [];
  requireLayerCount(layerPaths.length);
  const document = parseImageConfig(await loading.read(entry.Config));
  const { diff_ids: diffIds = [] } = document.rootfs;
  if (diffIds.length !== layerPaths.length) {
    throw invalidArgument(`${entry.Config} names ${diffIds.length} layers, manifest.json ${layerPaths.length}`);
  }
  const config = await loading.commit(await loading.source.file(entry.Config));
  const layers: ImageDescriptor[] = [];
  for (const path of layerPaths) layers.push(await takeLayer(loading, path));
  return await putManifest(loading, { config, document, layers });
}

/** Takes a layer over, compressed or not. */
export async function takeLayer(loading: Loading, path: string): Promise<ImageDescriptor> {
  const blob = loading.commitLayer(await loading.source.file(path));
  return await layerDescriptor(blob, loading.readLayer(blob, 6));
}

/** Stores the manifest that such an archive does not have. */
export async function putManifest(
  loading: Loading,
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
  const kept = loading.request.compress ? await compressPlain(loading, layers) : layers;
  const target = manifestDescriptor(await loading.put(manifestBytes(config, kept)));
  loading.link(target.digest, [config.digest, ...kept.map(({ digest }) => digest)]);
  return target;
}

/** Layers that are plain are kept as gzip, and not as they came. */
async function compressPlain(loading: Loading, layers: readonly ImageDescriptor[]): Promise<ImageDescriptor[]> {
  const gzipped = new Map<string, ImageDescriptor>(); // an image may have the same layer twice
  for (const layer of layers) {
    if (layer.mediaType !== mediaTypes.layer || gzipped.has(layer.digest)) continue;
    gzipped.set(layer.digest, await compressed(loading, layer));
  }
  return layers.map((layer) => gzipped.get(layer.digest) ?? layer);
}

async function compressed(loading: Loading, layer: ImageDescriptor): Promise<ImageDescriptor> {
  using ingest = loading.images.stores.content.ingest();
  for await (const piece of compress(loading.readLayer(layer), "gzip")) ingest.write(piece);
  const blob = await loading.commit(ingest);
  loading.dropLayer(layer);
  return { mediaType: mediaTypes.layerGzip, ...blob };
}
