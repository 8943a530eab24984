import * as v from "valibot";
import { digest, empty, identifier, integer, labels, timestamp } from "../common.ts";
import { call } from "../define.ts";
import { filters } from "./filters.ts";
import { inNamespace } from "./scope.ts";

/** Labels: containerd.io/gc.expire, a time (RFC 3339) when it ends by itself; containerd.io/gc.flat, the lease keeps its resources without their references. */
export const lease = v.object({ id: identifier, labels, createdAt: timestamp });
export type LeaseRecord = v.InferOutput<typeof lease>;

const resourceType = v.pipe(
  v.string(),
  v.regex(/^(content|ingests|snapshots\/[a-z0-9]+)$/, "must be content, ingests or snapshots/SNAPSHOTTER"),
);
/** A blob by digest, an ingest by ref, a snapshot by key. */
export const leaseResource = v.object({ type: resourceType, id: v.pipe(v.string(), v.minLength(1)) });

const ofLease = { ...inNamespace, id: identifier };

/** A lease protects its resources, and all that they refer to, from garbage collection. */
export const leases = {
  "leases.create": call({
    doc: "Makes a lease; its id is generated unless given.",
    request: v.object({ ...inNamespace, id: v.optional(identifier), labels: v.optional(labels) }),
    reply: lease,
  }),
  "leases.list": call({
    doc: "All leases that have not expired. Filters match id and labels.",
    idempotent: true,
    request: v.object({ ...inNamespace, filters }),
    reply: v.object({ leases: v.array(lease) }),
  }),
  "leases.delete": call({
    doc: "Ends a lease. Resources that it alone kept are removed soon after, or before the reply.",
    request: v.object({ ...ofLease, /** Remove first, then reply. */ sync: v.optional(v.boolean()) }),
    reply: empty,
  }),
  "leases.addResource": call({
    doc: "Adds a resource to a lease; it need not exist yet.",
    idempotent: true,
    request: v.object({ ...ofLease, resource: leaseResource }),
    reply: empty,
  }),
  "leases.deleteResource": call({
    doc: "Removes a resource from a lease.",
    idempotent: true,
    request: v.object({ ...ofLease, resource: leaseResource }),
    reply: empty,
  }),
  "leases.listResources": call({
    doc: "Lists the resources that a lease keeps.",
    idempotent: true,
    request: v.object(ofLease),
    reply: v.object({ resources: v.array(leaseResource) }),
  }),
};

/** Garbage collection of unreferenced objects; it also runs by itself after deletions. */
export const gc = {
  "gc.run": call({
    doc: "Removes now the blobs and snapshots that no image, container, lease, running operation or containerd.io/gc.root label needs (of those made for images or under leases), and ingests that were not continued for a day.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({
      content: v.array(digest),
      snapshots: v.array(v.object({ snapshotter: v.string(), key: v.string() })),
      ingests: v.array(v.string()),
      /** Of the blobs that are now in no namespace. */
      bytes: integer,
    }),
  }),
};
