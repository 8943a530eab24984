import {
  chainIdsOf,
  formatPlatform,
  hostPlatform,
  type ImageConfig,
  type ImageDescriptor,
  type ImageManifest,
  isIndexType,
  matchesPlatform,
  mediaTypes,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parsePlatform,
  selectPlatform,
} from "@gantry/oci-spec";
import { invalidArgument, notFound } from "../errors.ts";

/** Reads the document of a descriptor. */
export type ReadDocument = (descriptor: ImageDescriptor) => Promise<Uint8Array> | Uint8Array;

/** An image for one platform. */
export interface PlatformImage {
  readonly manifestDescriptor: ImageDescriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  /** Documents from the target to the manifest, the target first. */
  readonly path: readonly ImageDescriptor[];
}

/** How deep indexes may be nested. */
export const maxNesting = 4;
/** overlayfs takes 500 lower layers (OVL_MAX_STACK); one is reserved for a container's init layer. */
const maxLayers = 499;
/** Configurations that describe a root file system. */
export const configTypes: readonly string[] = [mediaTypes.config, mediaTypes.dockerConfig];

/** Parses a platform; the host's platform without a text. @throws RpcError InvalidArgument */
export function wantedPlatform(text: string | undefined): Platform {
  try {
    return text === undefined ? hostPlatform() : parsePlatform(text);
  } catch (error) {
    throw invalidArgument((error as Error).message, error);
  }
}

/** A manifest for one platform, of an image or of another artifact. */
export type PlatformManifest = Omit<PlatformImage, "config">;

/**
 * Finds the manifest of a platform, starting from a manifest or an index.
 * @throws RpcError NotFound when there is none for the platform
 */
export async function findPlatformManifest(
  target: ImageDescriptor,
  platform: Platform,
  read: ReadDocument,
): Promise<PlatformManifest> {
  const path = [target];
  let descriptor = target;
  while (isIndexType(descriptor.mediaType)) {
    if (path.length > maxNesting) throw invalidArgument(`image index ${target.digest} is nested too deeply`);
    descriptor = choose(parseIndex(await read(descriptor)).manifests, platform);
    path.push(descriptor);
  }
  return { manifestDescriptor: descriptor, manifest: parseManifest(await read(descriptor)), path };
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

/** True for a manifest of a root file system, as opposed to another kind of artifact (a chart, a signature, …). */
export function isImage({ config, layers }: ImageManifest): boolean {
  return configTypes.includes(config.mediaType) && layers.every(({ mediaType }) => /\btar\b/.test(mediaType));
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

function choose(manifests: readonly ImageDescriptor[], platform: Platform): ImageDescriptor {
  // An entry without a platform is used only where it is the single one.
  const [only] = manifests;
  const chosen = selectPlatform(manifests, platform) ?? (manifests.length === 1 && !only?.platform ? only : undefined);
  if (chosen) return chosen;
  throw notFound(`no matching manifest for ${formatPlatform(platform)} in the manifest list entries`);
}

function checkConfigType({ config }: ImageManifest): void {
  if (configTypes.includes(config.mediaType)) return;
  throw invalidArgument(`not an image of a root file system: its configuration is of type ${config.mediaType}`);
}
