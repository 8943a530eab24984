/**
 * Nodes of the graph that collection follows: a digest for a blob, a chain id for a snapshot of any snapshotter, and
 * `snapshotNode` for one of a certain snapshotter.
 */
export type Node = string;

/** Label of content or a snapshot that is kept, whatever its value. */
export const rootLabel = "containerd.io/gc.root";
/** Label of a lease that does not keep what its resources refer to. */
export const flatLabel = "containerd.io/gc.flat";

const contentLabel = /^containerd\.io\/gc\.ref\.content(?:[./].*)?$/;
const snapshotLabel = /^containerd\.io\/gc\.ref\.snapshot\.([^/]+)(?:\/.*)?$/;

export function snapshotNode(snapshotter: string, key: string): Node {
  return `${snapshotter}/${key}`;
}

/** What labels refer to: `containerd.io/gc.ref.content[.x]` a blob, `containerd.io/gc.ref.snapshot.SNAPSHOTTER` a snapshot. */
export function referencesOf(labels: Readonly<Record<string, string>>): Node[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    if (contentLabel.test(label)) return [value];
    const snapshotter = snapshotLabel.exec(label)?.[1];
    return snapshotter === undefined ? [] : [snapshotNode(snapshotter, value)];
  });
}

/** What a lease's resource stands for; undefined for an ingest. */
export function resourceNode({ type, id }: { readonly type: string; readonly id: string }): Node | undefined {
  if (type === "content") return id;
  const [noun, snapshotter] = type.split("/");
  return noun === "snapshots" && snapshotter !== undefined ? snapshotNode(snapshotter, id) : undefined;
}
