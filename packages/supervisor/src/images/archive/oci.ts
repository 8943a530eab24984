import {
  formatReference,
  type ImageDescriptor,
  isIndexType,
  isManifestType,
  normalizeReference,
  parseDigest,
  parseImageLayout,
  parseIndex,
  parseReference,
} from "@gantry/oci-spec";
import { invalidArgument, notFound } from "../../errors.ts";
import { findPlatformImage, wantedPlatform } from "../image-content.ts";
import type { LoadedImage, Loading } from "./load.ts";

const nameAnnotation = "io.containerd.image.name";
const tagAnnotation = "org.opencontainers.image.ref.name";

/** Reads the images of an OCI layout (image-spec image-layout.md): each entry of index.json. */
export async function readOciLayout(loading: Loading): Promise<LoadedImage[]> {
  const { spool } = loading;
  parseImageLayout(spool.document("oci-layout"));
  const images: LoadedImage[] = [];
  for (const descriptor of parseIndex(spool.document("index.json")).manifests) {
    if (!isIndexType(descriptor.mediaType) && !isManifestType(descriptor.mediaType)) continue;
    const name = nameOf(descriptor, loading.defaultName);
    const before = images.find((image) => image.target.digest === descriptor.digest);
    if (before) before.names.push(...name);
    else images.push({ names: name, target: await readTarget(loading, descriptor) });
  }
  if (images.length === 0) throw invalidArgument("the archive holds no image");
  return images;
}

/** Takes over the documents and layers that the platform's image needs. */
async function readTarget(loading: Loading, target: ImageDescriptor): Promise<ImageDescriptor> {
  const read = async (descriptor: ImageDescriptor) => {
    await takeBlob(loading, descriptor);
    return loading.content.readAll(loading.namespace, descriptor.digest);
  };
  const { mediaType, digest, size } = target;
  const found = await findPlatformImage({ mediaType, digest, size }, wantedPlatform(loading.platform), read);
  for (const layer of found.manifest.layers) await takeBlob(loading, layer);
  return { mediaType, digest, size };
}

async function takeBlob(loading: Loading, { digest, size }: ImageDescriptor): Promise<void> {
  const { algorithm, hex } = parseDigest(digest);
  const path = `blobs/${algorithm}/${hex}`;
  if (loading.spool.has(path)) {
    // A layout's files are spooled with sha256; others are read once more.
    if (algorithm === "sha256") await loading.commit(loading.spool.file(path), { digest, size });
    else await loading.put(loading.spool.document(path), { digest, size });
    return;
  }
  const { content, namespace } = loading;
  if (!content.share({ digest, size }, { namespace, managed: true })) throw notFound(`the archive lacks ${path}`);
}

/**
 * A full name is in containerd's annotation; the standard one holds a name, or only a tag, which then belongs to
 * the default name's repository.
 */
function nameOf({ annotations = {} }: ImageDescriptor, defaultName: string | undefined): string[] {
  const full = annotations[nameAnnotation];
  if (full !== undefined) return [normalizeReference(full)];
  const text = annotations[tagAnnotation];
  if (text === undefined) return [];
  if (!/[/:]/.test(text) && defaultName !== undefined) {
    const { domain, path } = parseReference(defaultName);
    return [formatReference({ domain, path, tag: text })];
  }
  return /^(latest|v?\d[\w.-]*)$/.test(text) ? [] : [normalizeReference(text)];
}
