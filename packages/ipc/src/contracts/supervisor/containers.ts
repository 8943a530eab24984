import * as v from "valibot";
import { absolutePath, document, empty, identifier, labels, runtime, timestamp } from "../common.ts";
import { call } from "../define.ts";
import { filters } from "./filters.ts";
import { inNamespace } from "./scope.ts";
import { snapshotterName } from "./snapshots.ts";

export const container = v.object({
  id: identifier,
  /** Image name, for display; may be empty. */
  image: v.string(),
  labels,
  /** OCI config.json; `root.path` is set when the task is made. */
  spec: document,
  /** An active snapshot that becomes the root file system; empty if spec.root.path is absolute and complete. */
  snapshotKey: v.string(),
  /** Of the snapshot; absent when there is none. */
  snapshotter: v.optional(snapshotterName),
  runtime,
  /** user[:group] by name or number, looked up in the root file system when the task is made; empty: spec.process.user as it is. */
  user: v.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type ContainerRecord = v.InferOutput<typeof container>;

/** Absent fields of a runtime take the supervisor's defaults: its OCI runtime, by messages, with a state of each namespace. */
const runtimeChoice = v.object({
  path: v.optional(absolutePath),
  args: v.optional(v.array(v.string())),
  root: v.optional(absolutePath),
  worker: v.optional(v.boolean()),
});

export const containers = {
  "containers.create": call({
    doc: "Records a container.",
    request: v.object({
      ...inNamespace,
      id: identifier,
      image: v.string(),
      labels,
      spec: document,
      snapshotKey: v.string(),
      /** The supervisor's own unless given. */
      snapshotter: v.optional(snapshotterName),
      runtime: v.optional(runtimeChoice),
      user: v.string(),
    }),
    reply: container,
  }),
  "containers.get": call({
    doc: "One container.",
    idempotent: true,
    request: v.object({ ...inNamespace, id: identifier }),
    reply: container,
  }),
  "containers.list": call({
    doc: "All containers. Filters match id, image and labels.",
    idempotent: true,
    request: v.object({ ...inNamespace, filters }),
    reply: v.object({ containers: v.array(container) }),
  }),
  "containers.update": call({
    doc: "Replaces spec, labels or user; a running task is not touched.",
    idempotent: true,
    request: v.object({
      ...inNamespace,
      id: identifier,
      spec: v.optional(document),
      labels: v.optional(labels),
      user: v.optional(v.string()),
    }),
    reply: container,
  }),
  "containers.delete": call({
    doc: "Removes the record of a container without a task. Its snapshot stays.",
    request: v.object({ ...inNamespace, id: identifier }),
    reply: empty,
  }),
  "containers.mountRootfs": call({
    doc: "Mounts the container's root file system where a task would have it (a running task has it already) and returns its path. It stays until unmountRootfs or the task's deletion.",
    idempotent: true,
    request: v.object({ ...inNamespace, id: identifier }),
    reply: v.object({ path: v.string() }),
  }),
  "containers.unmountRootfs": call({
    doc: "Undoes mountRootfs; does nothing while a task uses it.",
    idempotent: true,
    request: v.object({ ...inNamespace, id: identifier }),
    reply: empty,
  }),
};
