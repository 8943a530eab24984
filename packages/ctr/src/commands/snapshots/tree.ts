import { defineCommand } from "../../command.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Display the snapshots as a tree, each below its parent",
  flags: { ...snapshotterFlag },
  args: [0, 0],
  examples: [""],
  async run(context, { values }) {
    const supervisor = await context.supervisor();
    const request = { namespace: context.namespace, ...ofSnapshotter(context, values.snapshotter) };
    const { snapshots } = await supervisor.call("snapshots.list", request);
    for (const line of treeLines(snapshots)) context.out.print(line);
    return 0;
  },
});

interface Node {
  readonly key: string;
  readonly parent: string;
}

/** Depth first, without recursion: chains are as deep as an image has layers. */
function treeLines(snapshots: readonly Node[]): string[] {
  const children = Map.groupBy(snapshots, ({ parent }) => parent);
  const below = (key: string, depth: number) =>
    (children.get(key) ?? []).map((node) => ({ key: node.key, depth })).sort((a, b) => (a.key < b.key ? 1 : -1));
  const lines: string[] = [];
  const left = below("", 0);
  for (let next = left.pop(); next; next = left.pop()) {
    const { key, depth } = next;
    lines.push(depth === 0 ? ` ${key}` : `${"  ".repeat(depth)}\\_ ${key}`);
    left.push(...below(key, depth + 1));
  }
  return lines;
}
