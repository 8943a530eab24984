import type { Descriptor } from "@gantry/ipc/contracts/common";
import {
  formatPlatform,
  hostPlatform,
  isIndexType,
  isManifestType,
  normalizePlatform,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  selectPlatform,
} from "@gantry/oci-spec";
import { type BlobSource, findBlob } from "./blob.ts";

/** The local parts of an image. */
export interface ImageParts {
  /** Platforms with a local manifest: linux/amd64, … */
  readonly platforms: string[];
  /** Documents and layers for this host's platform. */
  readonly needed: readonly Pick<Descriptor, "digest" | "size" | "mediaType">[];
  /** Digests of the uncompressed layers; undefined without a local configuration. */
  readonly diffIds: readonly string[] | undefined;
}

type Part = ImageParts["needed"][number];
interface Known {
  readonly platform: Platform | undefined;
  readonly parts: readonly Part[];
  readonly diffIds: readonly string[] | undefined;
}

/** Reads an image's documents; missing ones are left out; an object that is not an image has no platforms. */
export async function imageParts(source: BlobSource, target: Part): Promise<ImageParts> {
  if (!isIndexType(target.mediaType)) {
    const known = await manifestParts(source, target);
    return {
      platforms: known.platform ? [formatPlatform(known.platform)] : [],
      needed: known.parts,
      diffIds: known.diffIds,
    };
  }
  const bytes = await findBlob(source, target.digest);
  if (!bytes) return { platforms: [], needed: [target], diffIds: undefined };
  const children = parseIndex(bytes).manifests.filter(({ mediaType }) => isManifestType(mediaType));
  const all = await Promise.all(
    children.map(async (child) => ({ ...(await manifestParts(source, child)), platform: child.platform })),
  );
  const platforms = all.flatMap(({ platform, diffIds }) =>
    platform && platform.os !== "unknown" && diffIds ? [formatPlatform(normalizePlatform(platform))] : [],
  );
  const own = selectPlatform(all, hostPlatform()) ?? all[0];
  return { platforms: [...new Set(platforms)].sort(), needed: [target, ...(own?.parts ?? [])], diffIds: own?.diffIds };
}

async function manifestParts(source: BlobSource, target: Part): Promise<Known> {
  const bytes = isManifestType(target.mediaType) ? await findBlob(source, target.digest) : undefined;
  if (!bytes) return { platform: undefined, parts: [target], diffIds: undefined };
  const { config, layers } = parseManifest(bytes);
  const parts = [target, config, ...layers];
  const document = /config|image\.v1\+json/.test(config.mediaType) ? await findBlob(source, config.digest) : undefined;
  const image = document && tolerant(() => parseImageConfig(document));
  if (!image) return { platform: undefined, parts, diffIds: undefined };
  return { platform: normalizePlatform(image), parts, diffIds: image.rootfs.diff_ids ?? [] };
}

/** An artifact's configuration need not be an image's. */
function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
