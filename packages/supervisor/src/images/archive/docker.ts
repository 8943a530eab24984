import {
  type DockerArchive,
  type ImageDescriptor,
  normalizeReference,
  parseDockerArchive,
  parseImageConfig,
} from "@gantry/oci-spec";
import { invalidArgument } from "../../errors.ts";
import { requireLayerCount } from "../image-content.ts";
import { manifestBytes, manifestDescriptor } from "../image-store.ts";
import { layerDescriptor } from "../layer-descriptor.ts";
import type { LoadedImage, Loading } from "./load.ts";

/** Reads the images of a docker-archive: manifest.json, which names configurations, layers and tags. */
export async function readDockerArchive(loading: Loading): Promise<LoadedImage[]> {
  const images: LoadedImage[] = [];
  for (const entry of parseDockerArchive(loading.spool.document("manifest.json"))) {
    images.push(await readEntry(loading, entry));
  }
  return images;
}

async function readEntry(loading: Loading, entry: DockerArchive[number]): Promise<LoadedImage> {
  const { spool } = loading;
  const names = (entry.RepoTags ?? []).map((tag) => normalizeReference(tag));
  const layerPaths = entry.Layers ?? [];
  requireLayerCount(layerPaths.length);
  const { diff_ids: diffIds = [] } = parseImageConfig(await loading.read(spool.file(entry.Config))).rootfs;
  if (diffIds.length !== layerPaths.length) {
    throw invalidArgument(`${entry.Config} names ${diffIds.length} layers, manifest.json ${layerPaths.length}`);
  }
  const config = await loading.commit(spool.file(entry.Config));
  const layers: ImageDescriptor[] = [];
  for (const path of layerPaths) {
    const blob = await loading.commit(spool.file(path));
    layers.push(await layerDescriptor(loading.content, loading.namespace, blob));
  }
  const bytes = manifestBytes(config, layers);
  const manifest = await loading.put(bytes);
  return { names, target: manifestDescriptor(manifest) };
}
