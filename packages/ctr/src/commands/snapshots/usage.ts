import { anyNumber, defineCommand } from "../../command.ts";
import { formatBytes } from "../../format/bytes.ts";
import { table, tight } from "../../format/table.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [KEY...]",
  summary: "Show the disk usage of snapshots without their parents",
  flags: { bytes: { type: "boolean", short: "b", doc: "Display sizes in bytes" }, ...snapshotterFlag },
  args: [0, anyNumber],
  examples: ["", "-b work"],
  async run(context, { values, args }) {
    const scope = { namespace: context.namespace, ...ofSnapshotter(context, values.snapshotter) };
    const supervisor = await context.supervisor();
    const keys =
      args.length > 0 ? args : (await supervisor.call("snapshots.list", scope)).snapshots.map(({ key }) => key);
    const rows: string[][] = [];
    for (const key of keys) {
      const { size, inodes } = await supervisor.call("snapshots.usage", { ...scope, key });
      rows.push([key, values.bytes ? String(size) : formatBytes(size), String(inodes)]);
    }
    context.out.write(1, table([["KEY", "SIZE", "INODES"], ...rows], tight));
    return 0;
  },
});
