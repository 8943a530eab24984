import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "",
  summary: "Print what the supervisor is and where it keeps things, as JSON",
  flags: {},
  args: [0, 0],
  examples: [""],
  async run({ out, endpoint, supervisor: connect }) {
    const supervisor = await connect();
    const [server, snapshotters] = await Promise.all([
      supervisor.call("version", {}),
      supervisor.call("snapshots.snapshotters", {}),
    ]);
    out.print(JSON.stringify({ server: { address: endpoint, ...server }, snapshots: snapshotters }, null, 4));
    return 0;
  },
});
