import { defineCommand } from "../../command.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";

export const command = defineCommand({
  usage: "[OPTIONS] KEY ACTIVE",
  summary: "Commit an active snapshot under the provided name",
  flags: { ...snapshotterFlag },
  args: [2, 2],
  missing: "please provide a name for the committed snapshot, and the key of an active one",
  examples: ["base work"],
  async run(context, { values, args: [name = "", key = ""] }) {
    const supervisor = await context.supervisor();
    const request = { namespace: context.namespace, key, name, ...ofSnapshotter(context, values.snapshotter) };
    await supervisor.call("snapshots.commit", request);
    return 0;
  },
});
