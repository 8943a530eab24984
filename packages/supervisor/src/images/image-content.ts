import {
  chainIdsOf,
  formatPlatform,
  hostPlatform,
  type ImageConfig,
  type ImageDescriptor,
  ImageError,
  type ImageManifest,
  matchesPlatform,
  mediaTypes,
  type Platform,
  parseImageConfig,
  parsePlatform,
} from "@gantry/oci-spec";
import { invalidArgument } from "../errors.ts";
import { type PlatformManifest, PlatformSearch, type ReadDocument } from "./platform-search.ts";

export { maxNesting, type PlatformManifest, type ReadDocument } from "./platform-search.ts";

/** An image for one platform. */
export interface PlatformImage extends PlatformManifest {
  readonly config: ImageConfig;
}

/** overlayfs takes 500 lower layers (OVL_MAX_STACK); one is reserved for a container's init layer. */
const maxLayers = 499;
/** Configurations that describe a root file system. */
export const configTypes: readonly string[] = [mediaTypes.config, mediaTypes.dockerConfig];

/** Types of old registries and builders for what is a configuration or a layer all the same, as in Docker's list. */
const unspecificTypes: readonly string[] = ["", "application/octet-stream", "application/json", "text/html"];

/** Parses a platform; the host's platform without a text. @throws RpcError InvalidArgument */
export function wantedPlatform(text: string | undefined): Platform {
  try {
    return text === undefined ? hostPlatform() : parsePlatform(text);
  } catch (error) {
    throw invalidArgument((error as Error).message, error);
  }
}

/**
 * Finds the manifest of a platform, starting from a manifest or an index.
 * @throws RpcError NotFound when there is none for the platform
 */
export async function findPlatformManifest(
  target: ImageDescriptor,
  platform: Platform,
  read: ReadDocument,
): Promise<PlatformManifest> {
  return await new PlatformSearch(platform, read).find(target);
}

/** Finds the manifest and the configuration. @throws RpcError InvalidArgument for an artifact that is not an image */
export async function findPlatformImage(
  target: ImageDescriptor,
  platform: Platform,
  read: ReadDocument,
): Promise<PlatformImage> {
  const found = await findPlatformManifest(target, platform, read);
  const { manifest } = found;
  checkConfigType(manifest);
  requireLayerCount(manifest.layers.length);
  const config = parseImageConfig(await read(manifest.config));
  requireLayerCount(config.rootfs.diff_ids?.length ?? 0);
  return { ...found, config };
}

/**
 * True for a manifest of a root file system, as opposed to another kind of artifact (a chart, a signature, …): by its
 * media types, and where those say nothing, by its configuration.
 */
export function isImage({ config, layers }: ImageManifest, readConfig: () => Uint8Array): boolean {
  if (!layers.every(({ mediaType }) => isLayerType(mediaType))) return false;
  if (configTypes.includes(config.mediaType)) return true;
  return unspecificTypes.includes(config.mediaType) && hasRootfs(readConfig());
}

function hasRootfs(document: Uint8Array): boolean {
  try {
    parseImageConfig(document);
    return true;
  } catch (error) {
    if (error instanceof ImageError) return false;
    throw error;
  }
}

/** Layers have had many types. Signatures, attestations and bills of materials beside an image are JSON, XML or text. */
function isLayerType(mediaType: string): boolean {
  return !/^text\/|[+/](json|xml)$|cyclonedx|spdx/.test(mediaType);
}

/** @throws RpcError InvalidArgument for an image with more layers than can be mounted */
export function requireLayerCount(count: number): void {
  if (count > maxLayers) throw invalidArgument(`the image has ${count} layers: at most ${maxLayers} can be mounted`);
}

/** @throws RpcError InvalidArgument when the requested platform cannot run the image */
export function requirePlatform(name: string, config: ImageConfig, platform: Platform): void {
  if (matchesPlatform(platform, config)) return;
  throw invalidArgument(
    `image ${name} was found but its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(platform)})`,
  );
}

/** Chain ids of all layers, bottom first (image-spec config.md, "Layer ChainID"). */
export function chainIds(config: ImageConfig): string[] {
  return chainIdsOf(config.rootfs.diff_ids ?? []);
}

function checkConfigType(manifest: ImageManifest): void {
  const { mediaType } = manifest.config;
  if (!configTypes.includes(mediaType) && !unspecificTypes.includes(mediaType)) throw notAnImage(manifest);
}

/** The error for a chart, a signature or another artifact where an image is required. */
export function notAnImage({ config, layers }: ImageManifest): Error {
  const odd = layers.find(({ mediaType }) => !isLayerType(mediaType));
  const why =
    configTypes.includes(config.mediaType) && odd
      ? `a layer is of type ${odd.mediaType}`
      : `its configuration is of type ${config.mediaType || "(none)"}`;
  return invalidArgument(`not an image of a root file system: ${why}`);
}
