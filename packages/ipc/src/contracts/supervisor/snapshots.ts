import * as v from "valibot";
import { empty, integer, labels, timestamp } from "../common.ts";
import { call } from "../define.ts";
import { inNamespace, underLease } from "./scope.ts";

/** How snapshots are kept: stacked by overlayfs, or each one a full copy of its parent (reflinked where that can be). */
export const snapshotterName = v.picklist(["overlayfs", "native"]);

/** A snapshot's key is unique in its namespace and snapshotter; without a snapshotter the supervisor's own is meant. */
export const ofSnapshotter = { ...inNamespace, snapshotter: v.optional(snapshotterName) };
const ofSnapshot = { ...ofSnapshotter, key: v.string() };

export const snapshotKind = v.picklist(["view", "active", "committed"]);
export const snapshot = v.object({
  key: v.string(),
  parent: v.string(),
  kind: snapshotKind,
  labels,
  snapshotter: snapshotterName,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type Snapshot = v.InferOutput<typeof snapshot>;

/** One mount in mount(8)'s terms; together they show a snapshot. */
export const mountSpec = v.object({ type: v.string(), source: v.string(), options: v.array(v.string()) });

export const snapshots = {
  "snapshots.snapshotters": call({
    doc: "The snapshotters of this supervisor, with the reason for each that does not work. Images are unpacked with `default`.",
    idempotent: true,
    request: empty,
    reply: v.object({
      default: snapshotterName,
      /** Reason for the default: a flag, or the result of the probes. */
      reason: v.string(),
      snapshotters: v.array(v.object({ name: snapshotterName, error: v.optional(v.string()) })),
    }),
  }),
  "snapshots.prepare": call({
    doc: "Makes an active (writable) snapshot on a committed parent (empty: without a parent). Without a lease it is kept until snapshots.remove.",
    request: v.object({ ...ofSnapshot, ...underLease, parent: v.string(), labels: v.optional(labels) }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.view": call({
    doc: "Makes a read-only snapshot on a committed parent (empty: without a parent).",
    request: v.object({ ...ofSnapshot, ...underLease, parent: v.string(), labels: v.optional(labels) }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.commit": call({
    doc: "Turns an active snapshot into a committed one of another name. Labels, when given, replace the existing ones.",
    request: v.object({ ...ofSnapshot, ...underLease, name: v.string(), labels: v.optional(labels) }),
    reply: empty,
  }),
  "snapshots.stat": call({ doc: "One snapshot.", idempotent: true, request: v.object(ofSnapshot), reply: snapshot }),
  "snapshots.list": call({
    doc: "All snapshots of a snapshotter, parents before their children.",
    idempotent: true,
    request: v.object(ofSnapshotter),
    reply: v.object({ snapshots: v.array(snapshot) }),
  }),
  "snapshots.label": call({
    doc: "Sets labels; an empty value removes one.",
    idempotent: true,
    request: v.object({ ...ofSnapshot, labels }),
    reply: snapshot,
  }),
  "snapshots.mounts": call({
    doc: "Returns the mounts that show an active snapshot or a view.",
    idempotent: true,
    request: v.object(ofSnapshot),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.usage": call({
    doc: "Disk usage of a snapshot without its parents: bytes and inodes; a file with several names counts once.",
    idempotent: true,
    request: v.object(ofSnapshot),
    reply: v.object({ size: integer, inodes: integer }),
  }),
  "snapshots.remove": call({
    doc: "Removes a snapshot without children.",
    request: v.object(ofSnapshot),
    reply: empty,
  }),
};
