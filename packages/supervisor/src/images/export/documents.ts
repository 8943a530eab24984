import {
  familiarName,
  familiarReference,
  type ImageDescriptor,
  mediaTypes,
  parseDigest,
  parseReference,
} from "@gantry/oci-spec";
import { blobPath } from "../blob-path.ts";
import { plainDescriptor } from "../image-store.ts";
import type { SelectedManifest } from "./select.ts";

/** An image in an archive, with the full names that it has there. */
export interface ExportedImage {
  readonly names: readonly string[];
  readonly root: ImageDescriptor;
  /** The platform in manifest.json. */
  readonly forDocker: SelectedManifest | undefined;
}

/** The file oci-layout. */
export function layoutDocument(): Buffer {
  return Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

/** The file index.json: an entry for each name, with the annotations that containerd and others read. */
export function indexDocument(images: readonly ExportedImage[]): Buffer {
  const named = new Set(images.filter(({ names }) => names.length > 0).map(({ root }) => root.digest));
  const manifests = images.flatMap(({ names, root }) => {
    const descriptor = plainDescriptor(root);
    if (names.length === 0) return named.has(root.digest) ? [] : [descriptor];
    return names.map((name) => ({ ...descriptor, annotations: { ...root.annotations, ...nameAnnotations(name) } }));
  });
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
}

function nameAnnotations(name: string): Record<string, string> {
  const { tag } = parseReference(name);
  return {
    "io.containerd.image.name": name,
    ...(tag === undefined ? {} : { "org.opencontainers.image.ref.name": tag }),
  };
}

/** Docker's manifest.json. @param pathOf where a layer is in the archive */
export function manifestDocument(
  images: readonly ExportedImage[],
  pathOf: (image: SelectedManifest, at: number) => string,
): Buffer {
  const byConfig = new Map<string, { image: SelectedManifest; tags: string[] }>();
  for (const { names, forDocker } of images) {
    if (!forDocker) continue;
    const { digest } = forDocker.manifest.config;
    const entry = byConfig.get(digest) ?? { image: forDocker, tags: [] };
    byConfig.set(digest, entry);
    entry.tags.push(...tagged(names).map((name) => familiarReference(parseReference(name))));
  }
  const entries = [...byConfig.values()].map(({ image, tags }) => ({
    Config: blobPath(image.manifest.config.digest),
    RepoTags: tags.length === 0 ? null : [...new Set(tags)],
    Layers: image.manifest.layers.map((_, at) => pathOf(image, at)),
  }));
  return Buffer.from(JSON.stringify(entries));
}

/** Docker's older file `repositories`: repository → tag → the topmost layer. */
export function repositoriesDocument(images: readonly ExportedImage[]): Buffer {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { names, forDocker } of images) {
    const top = forDocker?.manifest.layers.at(-1);
    if (!top) continue;
    for (const name of tagged(names)) {
      const reference = parseReference(name);
      const repository = familiarName(reference);
      repositories[repository] = { ...repositories[repository], [reference.tag ?? ""]: parseDigest(top.digest).hex };
    }
  }
  return Buffer.from(JSON.stringify(repositories));
}

/** Docker's files contain only names with a tag. */
function tagged(names: readonly string[]): string[] {
  return names.filter((name) => parseReference(name).tag !== undefined);
}

/** True for layers that Docker 20.10 cannot decompress. */
export function isZstd({ mediaType }: ImageDescriptor): boolean {
  return mediaType.endsWith("+zstd") || mediaType.endsWith(".zstd");
}
