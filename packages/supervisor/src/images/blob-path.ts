import { parseDigest } from "@gantry/oci-spec";

/** The path of a blob in an image layout (image-spec image-layout.md). */
export function blobPath(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}
