import { defineCommand } from "../../command.ts";
import { table, tight } from "../../format/table.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { kindName } from "../../snapshots/kind.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "List snapshots",
  flags: { ...snapshotterFlag },
  args: [0, 0],
  examples: ["", "--snapshotter native"],
  async run(context, { values }) {
    const supervisor = await context.supervisor();
    const request = { namespace: context.namespace, ...ofSnapshotter(context, values.snapshotter) };
    const { snapshots } = await supervisor.call("snapshots.list", request);
    const rows = snapshots.map(({ key, parent, kind }) => [key, parent, kindName(kind)]).sort(byKey);
    context.out.write(1, table([["KEY", "PARENT", "KIND"], ...rows], tight));
    return 0;
  },
});

function byKey([a = ""]: readonly string[], [b = ""]: readonly string[]): number {
  return a < b ? -1 : 1;
}
