import type { Leases } from "../content/leases.ts";
import type { Metadata } from "../metadata/index.ts";
import { flatLabel, type Node, referencesOf, resourceNode, rootLabel, snapshotNode } from "./references.ts";

/** The nodes of a namespace that images, containers, leases, running operations or labels need. */
export function mark(metadata: Metadata, leases: Leases, namespace: string): ReadonlySet<Node> {
  const labelled = labelledNodes(metadata, namespace);
  const roots = new Set<Node>([
    ...metadata.blobs.unmanaged(namespace),
    ...leases.ids(namespace),
    ...imageRoots(metadata, namespace),
    ...containerRoots(metadata, namespace),
    ...labelled.filter(({ isRoot }) => isRoot).map(({ node }) => node),
  ]);
  const flat = addLeases(metadata, namespace, roots);
  return follow(metadata, roots, flat, labelled);
}

interface Labelled {
  readonly node: Node;
  /** Kept without a reference to it. */
  readonly isRoot: boolean;
  readonly references: readonly Node[];
}

function imageRoots({ images }: Metadata, namespace: string): Node[] {
  return [...images.targets(namespace), ...images.gcLabels(namespace).flatMap(referencesOf)];
}

function containerRoots({ containers }: Metadata, namespace: string): Node[] {
  return containers
    .snapshotUse(namespace)
    .flatMap(({ snapshotter, key, labels }) => [snapshotNode(snapshotter, key), ...referencesOf(labels)]);
}

/** Adds the resources of leases. @returns resources of flat leases, whose references are not followed */
function addLeases({ leases }: Metadata, namespace: string, roots: Set<Node>): Set<Node> {
  const flat = new Set<Node>();
  for (const { id, labels } of leases.list(namespace)) {
    const to = labels[flatLabel] === undefined ? roots : flat;
    for (const resource of leases.resources(namespace, id)) {
      const node = resourceNode(resource);
      if (node !== undefined) to.add(node);
    }
  }
  return flat;
}

function labelledNodes({ blobs, snapshots }: Metadata, namespace: string): Labelled[] {
  const ofBlobs = blobs.withGcLabels(namespace).map(({ digest, labels }) => ({
    node: digest,
    isRoot: rootLabel in labels,
    references: referencesOf(labels),
  }));
  const ofSnapshots = snapshots.withGcLabels(namespace).map(({ row: { id, snapshotter, key, labels }, managed }) => ({
    node: snapshotNode(snapshotter, key),
    // A parent is kept by its children.
    isRoot: rootLabel in labels || !managed || snapshots.childOf(id) !== undefined,
    references: referencesOf(labels),
  }));
  return [...ofBlobs, ...ofSnapshots];
}

/** Follows the links of documents and labels from the roots. */
function follow(
  { blobs }: Metadata,
  roots: ReadonlySet<Node>,
  flat: ReadonlySet<Node>,
  labelled: readonly Labelled[],
): ReadonlySet<Node> {
  let needed = blobs.closure([...roots]);
  let waiting = labelled.filter(({ references }) => references.length > 0);
  for (;;) {
    const reached = waiting.filter(({ node }) => needed.has(node) || needed.has(keyOf(node)));
    const fresh = reached.flatMap(({ references }) => references).filter((node) => !needed.has(node));
    waiting = waiting.filter((each) => !reached.includes(each));
    if (fresh.length === 0) break;
    needed = new Set([...needed, ...blobs.closure(fresh)]);
  }
  return new Set([...needed, ...flat]);
}

/** The key of a snapshot's node: a chain id needs the snapshot of any snapshotter. */
function keyOf(node: Node): string {
  return node.slice(node.indexOf("/") + 1);
}
