import * as v from "valibot";
import { empty, integer } from "./common.ts";
import { call, contract } from "./define.ts";
import { archives } from "./supervisor/archives.ts";
import { containers } from "./supervisor/containers.ts";
import { content } from "./supervisor/content.ts";
import { diff } from "./supervisor/diff.ts";
import { events } from "./supervisor/events.ts";
import { images } from "./supervisor/images.ts";
import { introspection } from "./supervisor/introspection.ts";
import { gc, leases } from "./supervisor/leases.ts";
import { namespaces } from "./supervisor/namespaces.ts";
import { registry } from "./supervisor/registry.ts";
import { snapshots } from "./supervisor/snapshots.ts";
import { tasks } from "./supervisor/tasks.ts";

export { type Progress, progress, registryAccess, registryAuth } from "./common.ts";
export { type ContainerRecord, container } from "./supervisor/containers.ts";
export { type IngestStatus, ingestStatus } from "./supervisor/content.ts";
export { type SupervisorEvent, type SupervisorTopic, supervisorEvent, supervisorTopics } from "./supervisor/events.ts";
export { type Image, image, type ResolvedImage, resolvedImage } from "./supervisor/images.ts";
export { type Plugin, plugin } from "./supervisor/introspection.ts";
export { type LeaseRecord, lease, leaseResource } from "./supervisor/leases.ts";
export { mountSpec, snapshot, snapshotKind, snapshotterName } from "./supervisor/snapshots.ts";
export { type Task, task } from "./supervisor/tasks.ts";

/** containerd's services, by messages. */
export const supervisorContract = contract("supervisor", 1, {
  version: call({
    doc: "The supervisor's process, version and directories.",
    idempotent: true,
    request: empty,
    reply: v.object({
      version: v.string(),
      /** Of the source that it was built from. */ revision: v.optional(v.string()),
      pid: integer,
      root: v.string(),
      state: v.string(),
    }),
  }),
  ...namespaces,
  ...images,
  ...registry,
  ...archives,
  ...content,
  ...leases,
  ...gc,
  ...snapshots,
  ...diff,
  ...containers,
  ...tasks,
  ...events,
  ...introspection,
});
