import { defineCommand } from "../../command.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { kindName } from "../../snapshots/kind.ts";

export const command = defineCommand({
  usage: "[OPTIONS] KEY",
  summary: "Get info about a snapshot, as JSON",
  flags: { ...snapshotterFlag },
  args: [1, 1],
  missing: "please provide the key of a snapshot",
  examples: ["work"],
  async run(context, { values, args: [key = ""] }) {
    const supervisor = await context.supervisor();
    const request = { namespace: context.namespace, key, ...ofSnapshotter(context, values.snapshotter) };
    const { kind, parent, labels, createdAt, updatedAt } = await supervisor.call("snapshots.stat", request);
    const info = {
      Kind: kindName(kind),
      Name: key,
      ...(parent === "" ? {} : { Parent: parent }),
      ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
      Created: createdAt,
      Updated: updatedAt,
    };
    context.out.print(JSON.stringify(info, null, 4));
    return 0;
  },
});
