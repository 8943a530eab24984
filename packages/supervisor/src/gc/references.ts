/**
 * Nodes of the graph that gc follows: a digest for a blob, a chain id for a snapshot of any snapshotter, and
 * `snapshotNode` for a snapshot of one snapshotter.
 */
export type Node = string;

/** Label that keeps a blob or snapshot; its value does not matter. */
export const rootLabel = "containerd.io/gc.root";
/** Label of a lease whose resources' references are not followed. */
export const flatLabel = "containerd.io/gc.flat";

const contentLabel = /^containerd\.io\/gc\.ref\.content(?:[./].*)?$/;
const snapshotLabel = /^containerd\.io\/gc\.ref\.snapshot\.([^/]+)(?:\/.*)?$/;

export function snapshotNode(snapshotter: string, key: string): Node {
  return `${snapshotter}/${key}`;
}

/** References in labels: `containerd.io/gc.ref.content[.x]` to a blob, `containerd.io/gc.ref.snapshot.SNAPSHOTTER` to a snapshot. */
export function referencesOf(labels: Readonly<Record<string, string>>): Node[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    if (contentLabel.test(label)) return [value];
    const snapshotter = snapshotLabel.exec(label)?.[1];
    return snapshotter === undefined ? [] : [snapshotNode(snapshotter, value)];
  });
}

/** The node of a lease's resource; undefined for an ingest. */
export function resourceNode({ type, id }: { readonly type: string; readonly id: string }): Node | undefined {
  if (type === "content") return id;
  const [noun, snapshotter] = type.split("/");
  return noun === "snapshots" && snapshotter !== undefined ? snapshotNode(snapshotter, id) : undefined;
}
