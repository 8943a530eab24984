import { createHash } from "node:crypto";
import { type ImageDescriptor, mediaTypes, parseImageConfig } from "@gantry/oci-spec";
import type { Lease } from "../content/leases.ts";
import { inContext, invalidArgument } from "../errors.ts";
import { collectingAfter } from "../gc/collect.ts";
import { compressionOf, decompress, magicBytes, peek } from "../layers/decompress.ts";
import type { CreatedImage } from "./commit-image.ts";
import { chainIds, wantedPlatform } from "./image-content.ts";
import { type ImageStore, requireFullName } from "./image-store.ts";
import type { ImageWork } from "./image-work.ts";
import { isLayerCompression, layerDescriptor } from "./layer-descriptor.ts";
import { manifestBytes, manifestDescriptor, platformImageOf } from "./new-image.ts";

export interface ImportRequest {
  readonly namespace: string;
  readonly name: string;
  readonly configDocument: Readonly<Record<string, unknown>>;
  readonly platform?: string | undefined;
  /** Keeps the content after the import. */
  readonly lease?: string | undefined;
}

/** Creates an image of one layer from the tar of a root file system. */
export async function importRootfs(
  work: Omit<ImageWork, "native">,
  request: ImportRequest,
  input: AsyncIterable<Uint8Array>,
): Promise<CreatedImage> {
  requireFullName(request.name);
  return await collectingAfter(work.images.stores, request.namespace, async () => {
    try {
      return await importInto(work, request, input);
    } catch (error) {
      throw inContext(error, `cannot import ${request.name}`);
    }
  });
}

async function importInto(
  { images, progress, signal }: Omit<ImageWork, "native">,
  request: ImportRequest,
  input: AsyncIterable<Uint8Array>,
): Promise<CreatedImage> {
  const { stores } = images;
  const { namespace, name } = request;
  using lease = stores.leases.acquire(request);
  const options = { namespace, managed: true, lease };
  const layer = await storeLayer(images, namespace, input, lease);
  const document = configOf(request, await diffIdOf(images, namespace, layer));
  const config = parseImageConfig(document);
  const configBlob = await stores.content.put(Buffer.from(JSON.stringify(document)), options);
  const manifestBlob = await stores.content.put(manifestBytes(configBlob, [layer]), options);
  lease.add(...chainIds(config));
  const target = manifestDescriptor(manifestBlob);
  const found = platformImageOf({ target, config: configBlob, layers: [layer], document: config });
  await images.unpacker.unpack(namespace, found, { progress, signal });
  signal?.throwIfAborted();
  images.link(found);
  return { image: images.set(namespace, name, target).image, configDigest: configBlob.digest };
}

/** Stores the tar unchanged, or decompressed where layers are not stored in its format. */
async function storeLayer(
  { stores: { content } }: ImageStore,
  namespace: string,
  input: AsyncIterable<Uint8Array>,
  lease: Lease,
): Promise<ImageDescriptor> {
  const { head, all } = await peek(input, magicBytes);
  if (head.length === 0) throw invalidArgument("the tar is empty");
  using ingest = content.ingest();
  const isKept = isLayerCompression(compressionOf(head));
  for await (const chunk of isKept ? all : decompress(all)) ingest.write(chunk);
  const blob = await content.commit(ingest, { namespace, managed: true, lease });
  return layerDescriptor(blob, isKept ? head : Buffer.alloc(0));
}

async function diffIdOf(
  { stores: { content } }: ImageStore,
  namespace: string,
  layer: ImageDescriptor,
): Promise<string> {
  if (layer.mediaType === mediaTypes.layer) return layer.digest;
  const hash = createHash("sha256");
  for await (const chunk of decompress(content.read(namespace, layer.digest))) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

function configOf({ configDocument, platform }: ImportRequest, diffId: string): Record<string, unknown> {
  const { os, architecture, variant } = wantedPlatform(platform);
  const created = new Date().toISOString();
  return {
    created,
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    history: [{ created, comment: "Imported from a root file system" }],
    ...configDocument,
    rootfs: { type: "layers", diff_ids: [diffId] },
  };
}
