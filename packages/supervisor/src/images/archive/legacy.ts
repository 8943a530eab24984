import { createHash } from "node:crypto";
import {
  hostPlatform,
  type ImageDescriptor,
  type LegacyImage,
  mediaTypes,
  parseImageConfig,
  parseLegacyImage,
  parseRepositories,
} from "@gantry/oci-spec";
import { invalidArgument } from "../../errors.ts";
import { decompress } from "../../layers/decompress.ts";
import { requireLayerCount } from "../image-content.ts";
import type { ArchiveLoader, LoadedImage } from "./archive-loader.ts";
import { putManifest, takeLayer } from "./docker.ts";
import { keptNames } from "./names.ts";

/** Fields of a legacy image's document that describe the archive, not the image. */
const archiveFields = new Set(["id", "parent", "parent_id", "layer_id", "Size", "throwaway"]);

/** True for an archive of Docker before 1.10: a directory for each layer, and no manifest.json. */
export function isLegacyArchive({ source }: ArchiveLoader): boolean {
  return source.has("repositories") || idsIn(source.paths()).length > 0;
}

/**
 * Reads the images of such an archive: ID/json describes a layer and names its parent, ID/layer.tar is its content;
 * `repositories` names the images. Without that file, the layers that are not the parent of another one are the images.
 */
export async function readLegacyArchive(loader: ArchiveLoader): Promise<LoadedImage[]> {
  const names = await namesById(loader);
  const images: LoadedImage[] = [];
  for (const [id, tags] of names) {
    const kept = keptNames(tags, loader.request);
    if (kept) images.push({ names: kept, target: await readImage(loader, id) });
  }
  if (images.length === 0) throw invalidArgument("the archive has no requested image");
  return images;
}

async function namesById(loader: ArchiveLoader): Promise<Map<string, string[]>> {
  const { source } = loader;
  const names = new Map<string, string[]>();
  if (!source.has("repositories")) {
    for (const id of await headsOf(loader)) names.set(id, []);
    return names;
  }
  for (const [repository, tags] of Object.entries(parseRepositories(await source.document("repositories")))) {
    for (const [tag, id] of Object.entries(tags)) names.set(id, [...(names.get(id) ?? []), `${repository}:${tag}`]);
  }
  return names;
}

async function headsOf(loader: ArchiveLoader): Promise<string[]> {
  const ids = idsIn(loader.source.paths());
  const parents = new Set<string | undefined>();
  for (const id of ids) parents.add((await readDocument(loader, id)).parent);
  return ids.filter((id) => !parents.has(id));
}

function idsIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) => /^([0-9a-f]{64})\/json$/.exec(path)?.[1] ?? []).sort();
}

async function readImage(loader: ArchiveLoader, id: string): Promise<ImageDescriptor> {
  const chain = await chainOf(loader, id);
  const layers: ImageDescriptor[] = [];
  for (const { id: layerId } of chain) layers.push(await takeLayer(loader, `${layerId}/layer.tar`));
  const diffIds: string[] = [];
  for (const layer of layers) diffIds.push(await diffIdOf(loader, layer));
  const bytes = Buffer.from(JSON.stringify(configOf(chain, diffIds)));
  const config = await loader.put(bytes);
  return await putManifest(loader, { config, document: parseImageConfig(bytes), layers });
}

/** The documents from the lowest layer to the image. */
async function chainOf(loader: ArchiveLoader, id: string): Promise<LegacyImage[]> {
  const chain: LegacyImage[] = [];
  for (let next: string | undefined = id; next; next = chain[0]?.parent) {
    if (chain.some((document) => document.id === next)) throw invalidArgument(`layer ${next} is its own parent`);
    const document: LegacyImage = await readDocument(loader, next);
    if (document.id !== next) throw invalidArgument(`${next}/json is about ${document.id}`);
    chain.unshift(document);
    requireLayerCount(chain.length);
  }
  return chain;
}

async function readDocument(loader: ArchiveLoader, id: string): Promise<LegacyImage> {
  return parseLegacyImage(await loader.source.document(`${id}/json`));
}

/** The equivalent image configuration (image-spec config.md). */
function configOf(chain: readonly LegacyImage[], diffIds: readonly string[]): Record<string, unknown> {
  const own = Object.entries(chain.at(-1) ?? {}).filter(([key]) => !archiveFields.has(key));
  const history = chain.map(({ created, author, comment, container_config: step }) => ({
    ...(created === undefined ? {} : { created }),
    ...(author ? { author } : {}),
    ...(step?.Cmd ? { created_by: step.Cmd.join(" ") } : {}),
    ...(comment ? { comment } : {}),
  }));
  const { os, architecture } = hostPlatform();
  return { architecture, os, ...Object.fromEntries(own), rootfs: { type: "layers", diff_ids: diffIds }, history };
}

async function diffIdOf(loader: ArchiveLoader, { mediaType, digest }: ImageDescriptor): Promise<string> {
  if (mediaType === mediaTypes.layer) return digest;
  const hash = createHash("sha256");
  for await (const chunk of decompress(loader.readLayer({ digest }))) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
