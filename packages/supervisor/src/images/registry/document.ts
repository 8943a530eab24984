import { digestOf, type ImageDescriptor, manifestAccept } from "@gantry/oci-spec";

/** A manifest or index of a registry. */
export interface Document {
  readonly descriptor: ImageDescriptor;
  readonly bytes: Buffer;
}

/** Content types that servers use for unknown files. */
const vagueTypes: readonly string[] = ["", "application/json", "application/octet-stream", "text/plain"];

/** True for the content types of manifests and indexes, and for those that say nothing. */
export function mayBeManifest(contentType: string): boolean {
  return manifestAccept.includes(contentType) || vagueTypes.includes(contentType);
}

/** A response as a document, whose type a vague content type leaves to its field `mediaType`; undefined without one. */
export function documentOf(contentType: string, bytes: Buffer): Document | undefined {
  const mediaType = manifestAccept.includes(contentType) ? contentType : typeIn(bytes);
  if (mediaType === undefined) return undefined;
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}

function typeIn(bytes: Buffer): string | undefined {
  try {
    const { mediaType } = JSON.parse(bytes.toString()) as { mediaType?: unknown };
    return manifestAccept.find((type) => type === mediaType);
  } catch {
    return undefined;
  }
}
