import { randomBytes } from "node:crypto";
import { alreadyExists, invalidArgument, notFound } from "../errors.ts";
import { fieldsOf, parseFilters } from "../filters.ts";
import type { Collector } from "../gc/collector.ts";
import { expireLabel, expiryOf } from "../metadata/leases.ts";
import type { Stores } from "../stores.ts";
import type { ServiceHandlers } from "./handlers.ts";

/** Leases, and the garbage collection that they delay. */
export function leaseService(
  { metadata, leases: activeLeases }: Stores,
  collector: Collector,
): ServiceHandlers<"leases" | "gc"> {
  const { leases, namespaces, db } = metadata;
  return {
    "leases.create": async ({ namespace, id = makeId(), labels = {} }) => {
      checkExpiry(labels);
      db.transaction(() => {
        namespaces.ensure(namespace);
        // An expired lease of this id is replaced.
        if (!leases.get(namespace, id)) leases.delete(namespace, id);
        if (!leases.insert(namespace, { id, labels })) throw alreadyExists(`lease ${id} already exists`);
      });
      const expiry = expiryOf({ labels });
      if (expiry !== undefined) collector.schedule(namespace, Math.max(0, expiry - Date.now()));
      activeLeases.require(namespace, id);
      return leases.get(namespace, id) ?? { id, labels, createdAt: new Date().toISOString() };
    },
    "leases.list": async ({ namespace, filters }) => {
      const matches = parseFilters(filters);
      return { leases: leases.list(namespace).filter(({ id, labels }) => matches(fieldsOf({ id }, labels))) };
    },
    "leases.delete": async ({ namespace, id, sync }) => {
      activeLeases.require(namespace, id);
      leases.delete(namespace, id);
      if (sync) collector.run(namespace);
      else collector.schedule(namespace);
      return {};
    },
    "leases.addResource": async ({ namespace, id, resource }) => {
      activeLeases.require(namespace, id);
      leases.addResource(namespace, id, resource);
      return {};
    },
    "leases.deleteResource": async ({ namespace, id, resource }) => {
      activeLeases.require(namespace, id);
      if (!leases.deleteResource(namespace, id, resource)) {
        throw notFound(`lease ${id} has no ${resource.type} ${resource.id}`);
      }
      collector.schedule(namespace);
      return {};
    },
    "leases.listResources": async ({ namespace, id }) => {
      activeLeases.require(namespace, id);
      return { resources: leases.resources(namespace, id) };
    },
    "gc.run": async ({ namespace }) => collector.run(namespace),
  };
}

/** The format of containerd: the time and a random number. */
function makeId(): string {
  return `${Math.floor(Date.now() / 1000)}-${randomBytes(4).toString("hex")}`;
}

function checkExpiry(labels: Readonly<Record<string, string>>): void {
  const text = labels[expireLabel];
  if (text === undefined) return;
  const expiry = expiryOf({ labels });
  if (expiry === undefined)
    throw invalidArgument(`${expireLabel}: must be a time such as 2030-01-31T12:00:00Z, not ${text}`);
  if (expiry <= Date.now()) throw invalidArgument(`${expireLabel}: ${text} has passed already`);
}
