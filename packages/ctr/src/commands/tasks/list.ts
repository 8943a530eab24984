import { defineCommand } from "../../command.ts";
import { looseTable, wide } from "../../format/table.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "List tasks",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the tasks' ids" } },
  args: [0, 0],
  examples: ["", "-q"],
  async run({ namespace, out, supervisor: connect }, { values }) {
    const supervisor = await connect();
    const { tasks } = await supervisor.call("tasks.list", { namespace });
    if (values.quiet) {
      for (const { containerId } of tasks) out.print(containerId);
      return 0;
    }
    const rows = tasks.map(({ containerId, pid, status }) => [containerId, String(pid), status.toUpperCase()]);
    out.write(1, looseTable([["TASK", "PID", "STATUS", ""], ...rows], wide));
    return 0;
  },
});
