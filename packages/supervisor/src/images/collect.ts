import type { Leases } from "../content/leases.ts";
import type { ContentStore } from "../content/store.ts";
import type { Metadata } from "../metadata/index.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";

export interface Stores {
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly leases: Leases;
}

/**
 * Removes what was made for images and what no image, no running operation and no other snapshot needs any more.
 * One turn of the event loop: nobody sees it half-done.
 * @returns digests of the blobs that went
 */
export function collect({ metadata, content, snapshots, leases }: Stores, namespace: string): string[] {
  const needed = metadata.blobs.closure([...metadata.images.targets(namespace), ...leases.ids()]);
  const removed = metadata.blobs.managed(namespace).filter((digest) => !needed.has(digest));
  for (const digest of removed) content.delete(namespace, digest);
  for (;;) {
    const leaves = metadata.snapshots.managedLeaves(namespace).filter(({ key }) => !needed.has(key));
    if (leaves.length === 0) return removed;
    for (const leaf of leaves) snapshots.remove(leaf);
  }
}
