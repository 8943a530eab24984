import type { Image } from "@gantry/ipc/contracts/supervisor";
import type { NativeSys } from "@gantry/native-sys";
import { type ImageConfig, mediaTypes, parseImageConfig } from "@gantry/oci-spec";
import { createDiff } from "../diff/create.ts";
import { inContext, invalidArgument } from "../errors.ts";
import { collectingAfter } from "../gc/collect.ts";
import type { SnapshotRow, SnapshotterName } from "../metadata/snapshots.ts";
import { chainIds, type PlatformImage } from "./image-content.ts";
import { type ImageStore, requireFullName } from "./image-store.ts";
import { manifestBytes, manifestDescriptor, platformImageOf } from "./new-image.ts";

export interface CommitRequest {
  readonly namespace: string;
  readonly snapshotter?: SnapshotterName | undefined;
  readonly key: string;
  readonly base?: string | undefined;
  readonly name: string;
  readonly configDocument: Readonly<Record<string, unknown>>;
  readonly mediaType?: string | undefined;
  readonly leaveOut?: readonly string[] | undefined;
}

export interface CommitWork {
  readonly native: NativeSys;
  readonly images: ImageStore;
  readonly signal: AbortSignal;
}

/** An image that was created, and the digest of its configuration. */
export interface CreatedImage {
  readonly image: Image;
  readonly configDigest: string;
}

/** Creates an image of another one's layers and of the changes that a snapshot has made to them. */
export async function commitImage(work: CommitWork, request: CommitRequest): Promise<CreatedImage> {
  requireFullName(request.name);
  return await collectingAfter(work.images.stores, request.namespace, async () => {
    try {
      return await commit(work, request);
    } catch (error) {
      throw inContext(error, `cannot commit ${request.key}`);
    }
  });
}

async function commit({ native, images, signal }: CommitWork, request: CommitRequest): Promise<CreatedImage> {
  const { namespace, name, mediaType = mediaTypes.layer, leaveOut } = request;
  const { stores } = images;
  using lease = stores.leases.acquire();
  const options = { namespace, managed: true, lease };
  const upper = stores.snapshots.get(namespace, request.key, request.snapshotter);
  const base = await baseOf(images, request, upper);
  if (base) lease.add(...base.path.map(({ digest }) => digest), base.manifestDescriptor.digest);
  const lower = base && upper.parentId !== undefined ? stores.metadata.snapshots.byId(upper.parentId) : undefined;
  const layer = await createDiff(native, stores, { upper, lower, mediaType, managed: true, lease, signal, leaveOut });
  const document = configOf(request, base?.config, layer.diffId);
  const configBlob = await stores.content.put(Buffer.from(JSON.stringify(document)), options);
  const layers = [...(base?.manifest.layers ?? []), layer.descriptor];
  const manifestBlob = await stores.content.put(manifestBytes(configBlob, layers), options);
  const target = manifestDescriptor(manifestBlob);
  const created = platformImageOf({ target, config: configBlob, layers, document: parseImageConfig(document) });
  signal.throwIfAborted();
  images.link(created);
  const { image } = images.set(namespace, name, target);
  unpackSoon(images, namespace, created);
  return { image, configDigest: configBlob.digest };
}

/** Unpacks in the background: only the first use of the image has to wait for it. */
function unpackSoon(images: ImageStore, namespace: string, image: PlatformImage): void {
  // The first use tries again, and reports a failure.
  images.unpacker.unpack(namespace, image).catch(() => {});
}

async function baseOf(
  images: ImageStore,
  { namespace, base, key }: CommitRequest,
  upper: SnapshotRow,
): Promise<PlatformImage | undefined> {
  if (base === undefined) return undefined;
  const image = await images.platformImage(namespace, images.get(namespace, base), undefined);
  const parent = upper.parentId === undefined ? "" : images.stores.metadata.snapshots.byId(upper.parentId)?.key;
  const chainId = chainIds(image.config).at(-1) ?? "";
  if (parent !== chainId) throw invalidArgument(`snapshot ${key} is not based on the image ${base}`);
  return image;
}

function configOf(
  { configDocument }: CommitRequest,
  base: ImageConfig | undefined,
  diffId: string,
): Record<string, unknown> {
  const added = Array.isArray(configDocument.history) ? configDocument.history : [];
  return {
    ...base,
    ...configDocument,
    history: [...(base?.history ?? []), ...added],
    rootfs: { type: "layers", diff_ids: [...(base?.rootfs.diff_ids ?? []), diffId] },
  };
}
