import * as v from "valibot";
import { empty, integer, labels, timestamp } from "../common.ts";
import { call } from "../define.ts";
import { inNamespace } from "./scope.ts";

export const snapshotKind = v.picklist(["view", "active", "committed"]);
export const snapshot = v.object({
  key: v.string(),
  parent: v.string(),
  kind: snapshotKind,
  labels,
  createdAt: timestamp,
});

/** mount(8)-like: what to mount to see a snapshot. */
export const mountSpec = v.object({ type: v.string(), source: v.string(), options: v.array(v.string()) });

export const snapshots = {
  "snapshots.prepare": call({
    doc: "Makes an active (writable) snapshot on a committed parent (empty: on nothing).",
    request: v.object({ ...inNamespace, key: v.string(), parent: v.string(), labels: v.optional(labels) }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.view": call({
    doc: "Makes a read-only snapshot.",
    request: v.object({ ...inNamespace, key: v.string(), parent: v.string() }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.commit": call({
    doc: "Turns an active snapshot into a committed one.",
    request: v.object({ ...inNamespace, key: v.string(), name: v.string() }),
    reply: empty,
  }),
  "snapshots.stat": call({
    doc: "One snapshot.",
    idempotent: true,
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: snapshot,
  }),
  "snapshots.list": call({
    doc: "All snapshots.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ snapshots: v.array(snapshot) }),
  }),
  "snapshots.mounts": call({
    doc: "What to mount to see a snapshot.",
    idempotent: true,
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.usage": call({
    doc: "Bytes and inodes of its own.",
    idempotent: true,
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: v.object({ size: integer, inodes: integer }),
  }),
  "snapshots.remove": call({
    doc: "Removes a snapshot without children.",
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: empty,
  }),
};
