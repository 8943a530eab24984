import { type ImageConfig, type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import type { PlatformImage } from "./image-content.ts";

/** Digest and size of a blob in the content store. */
export interface StoredBlob {
  readonly digest: string;
  readonly size: number;
}

/** Descriptor of the manifest of an image that was created here. */
export function manifestDescriptor(blob: StoredBlob): ImageDescriptor {
  return { mediaType: mediaTypes.manifest, ...blob };
}

/** A manifest for layers and a configuration that are in the content store. */
export function manifestBytes(config: StoredBlob, layers: readonly ImageDescriptor[]): Buffer {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.size },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  };
  return Buffer.from(JSON.stringify(manifest));
}

export interface NewImage {
  /** Descriptor of the manifest. */
  readonly target: ImageDescriptor;
  readonly config: StoredBlob;
  readonly layers: ImageDescriptor[];
  /** The configuration itself. */
  readonly document: ImageConfig;
}

/** The image of a manifest from `manifestBytes`. */
export function platformImageOf({ target, config, layers, document }: NewImage): PlatformImage {
  return {
    manifestDescriptor: target,
    manifest: { schemaVersion: 2, config: { mediaType: mediaTypes.config, ...config }, layers },
    config: document,
    path: [target],
  };
}
