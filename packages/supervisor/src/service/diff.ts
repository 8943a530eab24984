import { readdirSync } from "node:fs";
import type { IdleMemory } from "@gantry/common/memory";
import type { NativeSys } from "@gantry/native-sys";
import { createDiff } from "../diff/create.ts";
import { emptyDirectory } from "../directory-target.ts";
import { inContext, invalidArgument, undo } from "../errors.ts";
import { commitImage } from "../images/commit-image.ts";
import type { ImageStore } from "../images/image-store.ts";
import { applyLayer } from "../layers/apply-layer.ts";
import { counted } from "../layers/layer-source.ts";
import type { SnapshotRow, SnapshotterName } from "../metadata/snapshots.ts";
import type { Stores } from "../stores.ts";
import type { ServiceHandlers } from "./handlers.ts";

const gzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip";

export interface DiffServiceOptions {
  readonly native: NativeSys;
  readonly images: ImageStore;
  readonly memory: IdleMemory;
}

export function diffService({ native, images, memory }: DiffServiceOptions): ServiceHandlers<"diff"> {
  const { stores } = images;
  const { snapshots, content } = stores;
  return {
    "diff.create": async (request, { signal }) => {
      const { namespace, snapshotter, key, parent, mediaType = gzipLayer, labels, lease } = request;
      using operation = stores.leases.acquire({ namespace, lease });
      const upper = snapshots.get(namespace, key, snapshotter);
      const lower = lowerOf(stores, upper, parent, snapshotter);
      const stored = { managed: lease !== undefined, lease: operation, signal };
      const options = { upper, lower, mediaType, labels, ...stored };
      const { descriptor, diffId } = await memory.during(() => createDiff(native, stores, options));
      return { descriptor: { mediaType, digest: descriptor.digest, size: descriptor.size }, diffId };
    },
    "diff.apply": async ({ namespace, snapshotter, key, descriptor }, { signal }) => {
      const { digest, size } = descriptor;
      const target = snapshots.layerTarget(snapshots.get(namespace, key, snapshotter));
      const info = content.info(namespace, digest);
      if (info.size !== size) throw invalidArgument(`${digest} has ${info.size} bytes, not ${size}`);
      const wasEmpty = readdirSync(target.directory).length === 0;
      try {
        const source = counted(content.read(namespace, digest), () => signal.throwIfAborted());
        const { notes, ...applied } = await memory.during(() => applyLayer(native, source, target));
        images.unpacker.note({ ...descriptor, digest }, notes);
        return applied;
      } catch (error) {
        if (wasEmpty) await undo(() => emptyDirectory(target.directory));
        throw inContext(error, `layer ${digest}`);
      }
    },
    "diff.commitImage": async (request, { signal }) =>
      await memory.during(() => commitImage({ native, images, signal }, request)),
  };
}

/** The requested lower snapshot, else the parent of the upper one. */
function lowerOf(
  { snapshots, metadata }: Stores,
  upper: SnapshotRow,
  parent: string | undefined,
  snapshotter: SnapshotterName | undefined,
): SnapshotRow | undefined {
  if (parent === "") return undefined;
  if (parent !== undefined) return snapshots.get(upper.namespace, parent, snapshotter);
  return upper.parentId === undefined ? undefined : metadata.snapshots.byId(upper.parentId);
}
