import { failedPrecondition } from "../errors.ts";
import { collect, type Stores } from "../images/collect.ts";
import type { Metadata } from "../metadata/index.ts";
import type { SnapshotRow } from "../metadata/snapshots.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function snapshotService(stores: Stores): ServiceHandlers<"snapshots"> {
  const { snapshots, metadata } = stores;
  const prepare = (kind: "active" | "view") => (request: PrepareRequest) => {
    const { namespace, key, parent, labels = {} } = request;
    return { mounts: snapshots.mounts(snapshots.prepare(namespace, key, parent, { labels, kind })) };
  };
  return {
    "snapshots.prepare": async (request) => prepare("active")(request),
    "snapshots.view": async (request) => prepare("view")(request),
    "snapshots.commit": async ({ namespace, key, name }) => {
      await snapshots.commit(snapshots.get(namespace, key), name);
      return {};
    },
    "snapshots.stat": async ({ namespace, key }) => snapshotInfo(metadata, snapshots.get(namespace, key)),
    "snapshots.list": async ({ namespace }) => ({
      snapshots: metadata.snapshots.list(namespace).map((row) => snapshotInfo(metadata, row)),
    }),
    "snapshots.mounts": async ({ namespace, key }) => ({ mounts: snapshots.mounts(snapshots.get(namespace, key)) }),
    "snapshots.usage": async ({ namespace, key }) => await snapshots.usage(snapshots.get(namespace, key)),
    "snapshots.remove": async ({ namespace, key }) => {
      const row = snapshots.get(namespace, key);
      const user = metadata.containers.usingSnapshot(namespace, key);
      if (user !== undefined && metadata.tasks.has(namespace, user)) {
        throw failedPrecondition(`snapshot ${key} is the root file system of container ${user}, which has a task`);
      }
      const parent = row.parentId === undefined ? undefined : metadata.snapshots.byId(row.parentId);
      snapshots.remove(row);
      // The image may have gone before the last container that used its layers.
      if (parent && metadata.snapshots.isUnused(parent)) collect(stores, namespace);
      return {};
    },
  };
}

interface PrepareRequest {
  readonly namespace: string;
  readonly key: string;
  readonly parent: string;
  readonly labels?: Record<string, string> | undefined;
}

function snapshotInfo({ snapshots }: Metadata, row: SnapshotRow) {
  const { key, kind, labels, createdAt, parentId } = row;
  const parent = parentId === undefined ? "" : (snapshots.byId(parentId)?.key ?? "");
  return { key, parent, kind, labels, createdAt };
}
