import { anyNumber, defineCommand } from "../../command.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { forEach } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] KEY...",
  summary: "Remove snapshots",
  flags: { ...snapshotterFlag },
  args: [1, anyNumber],
  missing: "please provide the key of a snapshot",
  examples: ["work"],
  async run(context, { values, args }) {
    const { namespace } = context;
    const chosen = ofSnapshotter(context, values.snapshotter);
    const supervisor = await context.supervisor();
    return await forEach(context, args, async (key) => {
      await supervisor.call("snapshots.remove", { namespace, key, ...chosen });
    });
  },
});
