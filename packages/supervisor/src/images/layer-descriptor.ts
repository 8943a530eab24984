import { type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import { type Compression, compressionOf } from "../layers/decompress.ts";

const layerTypes = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd } as const;

/** True for the formats that image-spec layer.md has media types for. */
export function isLayerCompression(compression: Compression): compression is keyof typeof layerTypes {
  return compression in layerTypes;
}

/** The descriptor of a layer in one of those formats. @param head the layer's first `magicBytes` bytes */
export function layerDescriptor(blob: { digest: string; size: number }, head: Uint8Array): ImageDescriptor {
  const compression = compressionOf(head);
  return { mediaType: isLayerCompression(compression) ? layerTypes[compression] : mediaTypes.layer, ...blob };
}
