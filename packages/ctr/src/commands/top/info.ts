import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "",
  summary: "Print the supervisor's version, process and directories as JSON",
  flags: {},
  args: [0, 0],
  examples: [""],
  async run({ out, endpoint, supervisor: connect }) {
    const supervisor = await connect();
    const [version, server, snapshots] = await Promise.all([
      supervisor.call("version", {}),
      supervisor.call("introspection.server", {}),
      supervisor.call("snapshots.snapshotters", {}),
    ]);
    out.print(JSON.stringify({ server: { address: endpoint, ...server, ...version }, snapshots }, null, 4));
    return 0;
  },
});
