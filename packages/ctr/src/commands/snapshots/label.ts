import { anyNumber, defineCommand } from "../../command.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { formatLabels, parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] KEY [KEY=VALUE...]",
  summary: "Set and clear labels of a snapshot; an empty value clears the label",
  flags: { ...snapshotterFlag },
  args: [1, anyNumber],
  missing: "please provide the key of a snapshot",
  examples: ["work stage=test"],
  async run(context, { values, args: [key = "", ...pairs] }) {
    const { namespace } = context;
    const request = { namespace, key, labels: parseLabels(pairs), ...ofSnapshotter(context, values.snapshotter) };
    const supervisor = await context.supervisor();
    const { labels } = await supervisor.call("snapshots.label", request);
    context.out.print(formatLabels(labels));
    return 0;
  },
});
