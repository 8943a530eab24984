import type { ContentStore } from "../../content/store.ts";
import { fillDirectory } from "../../directory-target.ts";
import { inContext, invalidArgument } from "../../errors.ts";
import { decompress } from "../../layers/decompress.ts";
import { blobPath } from "../blob-path.ts";
import type { ImageStore } from "../image-store.ts";
import type { ArchiveWriter } from "./archive-writer.ts";
import { DirectoryWriter } from "./directory-writer.ts";
import {
  type ExportedImage,
  indexDocument,
  isZstd,
  layoutDocument,
  manifestDocument,
  repositoriesDocument,
} from "./documents.ts";
import { forOneReader, type Selection, Selector, type Wanted } from "./select.ts";
import { TarWriter } from "./tar-writer.ts";

export interface ExportRequest {
  readonly namespace: string;
  readonly images: readonly { readonly name: string; readonly as?: readonly string[] | undefined }[];
  readonly format: "oci" | "docker";
  readonly platforms?: readonly string[] | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly skipNonDistributable?: boolean | undefined;
  readonly directory?: string | undefined;
}

/** One file of the archive. */
interface ArchiveFile {
  readonly path: string;
  readonly size: number;
  bytes(): AsyncIterable<Uint8Array>;
}

/**
 * Writes images as an archive: documents first, then layers, bottom first, so that a reader can unpack while it reads.
 * @param send receives the bytes of the archive; not used when the request names a directory
 * @returns bytes written
 */
export async function exportImages(
  images: ImageStore,
  request: ExportRequest,
  send: (...parts: Uint8Array[]) => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  const { content, leases } = images.stores;
  using lease = leases.acquire();
  const chosen = request.images.map((image) => choose(images, request, image));
  for (const { selection } of chosen) lease.add(...digestsOf(selection));
  const files = await filesOf(content, request, chosen);
  const write = async (writer: ArchiveWriter) => {
    for (const path of directoriesOf(files)) await writer.directory(path);
    for (const file of files) {
      signal.throwIfAborted();
      await writer.file(file.path, file.size, file.bytes());
    }
    return await writer.end();
  };
  const { directory } = request;
  if (directory === undefined) return await write(new TarWriter(send));
  return await fillDirectory(directory, (path) => write(new DirectoryWriter(path)));
}

interface Chosen {
  readonly exported: ExportedImage;
  readonly selection: Selection;
}

function choose(
  images: ImageStore,
  request: ExportRequest,
  { name, as }: { readonly name: string; readonly as?: readonly string[] | undefined },
): Chosen {
  const { namespace, skipNonDistributable = false } = request;
  const { target } = images.get(namespace, name);
  const selector = new Selector(images.stores.content, namespace, wantedOf(request), skipNonDistributable);
  try {
    const selection = selector.select(target);
    const { root, manifests } = selection;
    return { selection, exported: { names: as ?? [name], root, forDocker: forOneReader(manifests) } };
  } catch (error) {
    throw inContext(error, `cannot export ${name}`);
  }
}

function wantedOf({ platforms, allPlatforms = false }: ExportRequest): Wanted {
  if (!allPlatforms) return platforms ? { platforms } : "here";
  if (platforms) throw invalidArgument("either platforms are named, or all are wanted");
  return "all";
}

function digestsOf({ documents, layers }: Selection): string[] {
  return [...documents, ...layers].map(({ digest }) => digest);
}

async function filesOf(
  content: ContentStore,
  request: ExportRequest,
  chosen: readonly Chosen[],
): Promise<ArchiveFile[]> {
  const exported = chosen.map((one) => one.exported);
  const blobs = (parts: (selection: Selection) => Selection["layers"]) =>
    chosen.flatMap(({ selection }) => parts(selection).map((part) => blobFile(content, request.namespace, part)));
  const layout = [document("oci-layout", layoutDocument()), document("index.json", indexDocument(exported))];
  const documents = blobs((selection) => selection.documents);
  if (request.format === "oci") return unique([...layout, ...documents, ...blobs((selection) => selection.layers)]);
  const docker = (pathOf: Parameters<typeof manifestDocument>[1]) => [
    document("manifest.json", manifestDocument(exported, pathOf)),
    document("repositories", repositoriesDocument(exported)),
  ];
  if (!chosen.some(({ selection }) => selection.layers.some(isZstd))) {
    const inPlace = docker(({ manifest }, at) => blobPath(manifest.layers[at]?.digest ?? ""));
    return unique([...layout, ...inPlace, ...documents, ...blobs((selection) => selection.layers)]);
  }
  return await plainFiles(content, request.namespace, exported, docker);
}

/** A docker-archive of uncompressed layers, without an OCI layout, whose digests would not match them. */
async function plainFiles(
  content: ContentStore,
  namespace: string,
  exported: readonly ExportedImage[],
  docker: (pathOf: Parameters<typeof manifestDocument>[1]) => ArchiveFile[],
): Promise<ArchiveFile[]> {
  const images = exported.flatMap(({ forDocker }) => forDocker ?? []);
  const files = docker(({ config }, at) => blobPath(config?.rootfs.diff_ids?.[at] ?? ""));
  for (const { manifest } of images) files.push(blobFile(content, namespace, manifest.config));
  for (const { manifest, config } of images) {
    for (const [at, { digest }] of manifest.layers.entries()) {
      const path = blobPath(config?.rootfs.diff_ids?.[at] ?? "");
      if (files.some((file) => file.path === path)) continue;
      const bytes = () => decompress(content.read(namespace, digest));
      files.push({ path, size: await lengthOf(bytes()), bytes });
    }
  }
  return unique(files);
}

function blobFile(content: ContentStore, namespace: string, part: { digest: string; size: number }): ArchiveFile {
  const { digest, size } = part;
  return { path: blobPath(digest), size, bytes: () => (size === 0 ? none() : content.read(namespace, digest)) };
}

function document(path: string, bytes: Buffer): ArchiveFile {
  return {
    path,
    size: bytes.length,
    async *bytes() {
      yield bytes;
    },
  };
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** The length of a stream: a tar header states the length of the file that follows. */
async function lengthOf(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.length;
  return length;
}

function unique(files: readonly ArchiveFile[]): ArchiveFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function directoriesOf(files: readonly ArchiveFile[]): string[] {
  const parents = files.map(({ path }) => path.slice(0, Math.max(path.lastIndexOf("/"), 0))).filter(Boolean);
  const algorithms = [...new Set(parents)].sort();
  return algorithms.length > 0 ? ["blobs", ...algorithms] : [];
}
