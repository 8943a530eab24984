import { type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import { invalidArgument } from "../errors.ts";
import { compressionOf, peek } from "../layers/decompress.ts";

/** The descriptor of a layer, whose compression is detected from its first bytes. */
export async function layerDescriptor(
  blob: { digest: string; size: number },
  start: AsyncIterable<Uint8Array>,
): Promise<ImageDescriptor> {
  const { head } = await peek(start, 6);
  const compression = compressionOf(head);
  if (compression === "none") return { mediaType: mediaTypes.layer, ...blob };
  if (compression === "gzip") return { mediaType: mediaTypes.layerGzip, ...blob };
  if (compression === "zstd") return { mediaType: mediaTypes.layerZstd, ...blob };
  throw invalidArgument(
    `layer ${blob.digest} is compressed with ${compression}: only gzip and zstd are allowed for layers`,
  );
}
