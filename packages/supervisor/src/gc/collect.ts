import { firstFailure } from "@gantry/common/error-message";
import { undo } from "../errors.ts";
import type { Stores } from "../stores.ts";
import { mark } from "./mark.ts";
import { snapshotNode } from "./references.ts";

/** The objects that a collection has removed. */
export interface Collected {
  /** Digests. */
  readonly content: string[];
  readonly snapshots: { snapshotter: string; key: string }[];
  /** Refs. */
  readonly ingests: string[];
  /** Size of the removed files. */
  readonly bytes: number;
}

/** How long an ingest is kept after its last write. */
const ingestAgeMs = 24 * 60 * 60 * 1000;

/**
 * Removes managed blobs and snapshots that no image, container, lease, running operation or label needs any more.
 * It is synchronous: other operations never see it half done, and it sees the leases that they acquire before they
 * write. A crash in the middle leaves files without rows, which the next start removes.
 */
export function collect(stores: Stores, namespace: string): Collected {
  const { metadata, content, leases } = stores;
  for (const id of metadata.leases.expired(namespace)) metadata.leases.delete(namespace, id);
  const ingests = collectIngests(stores, namespace);
  const collected: Collected = { content: [], snapshots: [], ingests, bytes: 0 };
  for (let bytes = 0; ; ) {
    const needed = mark(metadata, leases, namespace);
    const digests = metadata.blobs.managed(namespace).filter((digest) => !needed.has(digest));
    if (digests.length > 0) bytes += content.deleteAll(namespace, digests);
    const removed = collectSnapshots(stores, namespace, needed);
    collected.content.push(...digests);
    collected.snapshots.push(...removed);
    // The labels of a removed snapshot may have been the last reference to something.
    if (!removed.some(({ hasGcLabels }) => hasGcLabels)) {
      return {
        ...collected,
        snapshots: collected.snapshots.map(({ snapshotter, key }) => ({ snapshotter, key })),
        bytes,
      };
    }
  }
}

/**
 * Runs an operation that makes managed content, then collects unreferenced content, also after a failure. The
 * operation's own failure takes precedence.
 */
export async function collectingAfter<T>(stores: Stores, namespace: string, operation: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await operation();
  } catch (error) {
    await undo(() => collect(stores, namespace));
    throw firstFailure(error);
  }
  collect(stores, namespace);
  return result;
}

function collectSnapshots({ metadata, snapshots }: Stores, namespace: string, needed: ReadonlySet<string>) {
  const removed: { snapshotter: string; key: string; hasGcLabels: boolean }[] = [];
  for (;;) {
    const leaves = metadata.snapshots.managedLeaves(namespace).filter(({ id, snapshotter, key, labels }) => {
      if (needed.has(key) || needed.has(snapshotNode(snapshotter, key))) return false;
      return !snapshots.isBecomingParent(id) && !("containerd.io/gc.root" in labels);
    });
    if (leaves.length === 0) return removed;
    for (const leaf of leaves) {
      snapshots.remove(leaf);
      const hasGcLabels = Object.keys(leaf.labels).some((label) => label.startsWith("containerd.io/gc."));
      removed.push({ snapshotter: leaf.snapshotter, key: leaf.key, hasGcLabels });
    }
  }
}

/** Removes old ingests that have no writer and no lease. */
function collectIngests({ metadata, content }: Stores, namespace: string): string[] {
  const oldest = new Date(Date.now() - ingestAgeMs).toISOString();
  const leased = new Set(
    metadata.leases.list(namespace).flatMap(({ id }) =>
      metadata.leases
        .resources(namespace, id)
        .filter(({ type }) => type === "ingests")
        .map((resource) => resource.id),
    ),
  );
  const old = content.ingests
    .list(namespace)
    .filter(({ ref, updatedAt }) => updatedAt < oldest && !leased.has(ref) && !content.ingests.isOpen(namespace, ref))
    .map(({ ref }) => ref);
  for (const ref of old) content.ingests.abort(namespace, ref);
  return old;
}
