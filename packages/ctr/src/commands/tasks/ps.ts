import { defineCommand } from "../../command.ts";
import { looseTable, wide } from "../../format/table.ts";

export const command = defineCommand({
  usage: "CONTAINER",
  summary: "List processes of a container, with the exec that started them",
  flags: {},
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["redis"],
  async run({ namespace, out, supervisor: connect }, { args: [containerId = ""] }) {
    const supervisor = await connect();
    const { processes } = await supervisor.call("tasks.pids", { namespace, containerId });
    const rows = processes.map(({ pid, execId }) => [String(pid), execId === undefined ? "-" : `ExecID:${execId}`]);
    out.write(1, looseTable([["PID", "INFO"], ...rows], wide));
    return 0;
  },
});
