import { failedPrecondition } from "../errors.ts";
import type { Collector } from "../gc/collector.ts";
import type { Metadata } from "../metadata/index.ts";
import type { SnapshotRow, SnapshotterName } from "../metadata/snapshots.ts";
import type { Stores } from "../stores.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function snapshotService(stores: Stores, collector: Collector): ServiceHandlers<"snapshots"> {
  const { snapshots, metadata } = stores;
  const prepare = async (kind: "active" | "view", request: PrepareRequest, signal: AbortSignal) => {
    const { namespace, key, parent, labels = {}, snapshotter, lease } = request;
    using operation = stores.leases.acquire({ namespace, lease });
    operation.add(key);
    // As containerd: a container's root directory can be passed by every user, whatever entry "./" an image has.
    const rootMode = kind === "active" ? 0o755 : undefined;
    const options = { labels, kind, snapshotter, managed: lease !== undefined, rootMode, signal };
    return { mounts: snapshots.mounts(await snapshots.prepare(namespace, key, parent, options)) };
  };
  const get = ({ namespace, key, snapshotter }: SnapshotRequest) => {
    if (snapshotter !== undefined) snapshots.snapshotters.driver(snapshotter);
    return snapshots.get(namespace, key, snapshotter);
  };
  return {
    "snapshots.snapshotters": async () => {
      const { default: name, reason, errors } = snapshots.snapshotters;
      const state = (each: SnapshotterName) => {
        const error = errors.get(each);
        return { name: each, ...(error === undefined ? {} : { error }) };
      };
      return { default: name, reason, snapshotters: [state("overlayfs"), state("native")] };
    },
    "snapshots.prepare": async (request, { signal }) => await prepare("active", request, signal),
    "snapshots.view": async (request, { signal }) => await prepare("view", request, signal),
    "snapshots.commit": async ({ name, labels, lease, ...request }, { signal }) => {
      using operation = stores.leases.acquire({ namespace: request.namespace, lease });
      operation.add(name);
      await snapshots.commit(get(request), name, { labels, signal });
      return {};
    },
    "snapshots.stat": async (request) => snapshotInfo(metadata, get(request)),
    "snapshots.list": async ({ namespace, snapshotter = snapshots.snapshotters.default }) => ({
      snapshots: metadata.snapshots
        .list(namespace)
        .filter((row) => row.snapshotter === snapshotter)
        .map((row) => snapshotInfo(metadata, row)),
    }),
    "snapshots.label": async ({ labels, ...request }) => {
      const row = snapshots.label(get(request), labels);
      collector.schedule(row.namespace);
      return snapshotInfo(metadata, row);
    },
    "snapshots.mounts": async (request) => ({ mounts: snapshots.mounts(get(request)) }),
    "snapshots.usage": async (request) => await snapshots.usage(get(request)),
    "snapshots.remove": async (request) => {
      const row = get(request);
      const { namespace, key } = row;
      const user = metadata.containers.usingSnapshot(row);
      if (user !== undefined && metadata.tasks.has(namespace, user)) {
        throw failedPrecondition(`snapshot ${key} is the root file system of container ${user}, which has a task`);
      }
      const parent = row.parentId === undefined ? undefined : metadata.snapshots.byId(row.parentId);
      snapshots.remove(row);
      // The image may have been removed before the last container that used its layers.
      if (parent && metadata.snapshots.isUnused(parent)) collector.schedule(namespace);
      return {};
    },
  };
}

interface SnapshotRequest {
  readonly namespace: string;
  readonly key: string;
  readonly snapshotter?: SnapshotterName | undefined;
}

interface PrepareRequest extends SnapshotRequest {
  readonly parent: string;
  readonly labels?: Record<string, string> | undefined;
  readonly lease?: string | undefined;
}

function snapshotInfo({ snapshots }: Metadata, row: SnapshotRow) {
  const { key, kind, labels, snapshotter, createdAt, updatedAt, parentId } = row;
  const parent = parentId === undefined ? "" : (snapshots.byId(parentId)?.key ?? "");
  return { key, parent, kind, labels, snapshotter, createdAt, updatedAt };
}
