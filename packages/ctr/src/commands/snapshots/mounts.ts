import { resolve } from "node:path";
import { defineCommand } from "../../command.ts";
import { mountCommands } from "../../format/mounts.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";

export const command = defineCommand({
  usage: "[OPTIONS] TARGET KEY",
  summary: "Print the command that mounts an active snapshot or a view on a path",
  flags: { ...snapshotterFlag },
  args: [2, 2],
  missing: "please provide a target path and the key of a snapshot",
  examples: ["/mnt work", "/mnt work | sh"],
  async run(context, { values, args: [target = "", key = ""] }) {
    const supervisor = await context.supervisor();
    const request = { namespace: context.namespace, key, ...ofSnapshotter(context, values.snapshotter) };
    const { mounts } = await supervisor.call("snapshots.mounts", request);
    for (const line of mountCommands(mounts, resolve(context.cwd, target))) context.out.print(line);
    return 0;
  },
});
