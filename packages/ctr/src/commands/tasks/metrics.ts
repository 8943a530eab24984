import { defineCommand } from "../../command.ts";
import { exactJson } from "../../format/exact-number.ts";
import { table, wide } from "../../format/table.ts";
import { metricRows } from "../../tasks/metric-rows.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Get a single data point of metrics for a task",
  flags: {
    format: { type: "string", value: "FORMAT", default: "table", choices: ["table", "json"], doc: '"table" or "json"' },
  },
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["redis", "--format json redis"],
  async run({ namespace, out, supervisor: connect }, { values, args: [containerId = ""] }) {
    const supervisor = await connect();
    const metrics = await supervisor.call("tasks.metrics", { namespace, containerId });
    if (values.format === "json") {
      out.print(exactJson(metrics.data));
      return 0;
    }
    out.write(
      1,
      table(
        [
          ["ID", "TIMESTAMP"],
          [containerId, goTime(metrics.timestamp)],
        ],
        wide,
      ),
    );
    out.print("");
    out.write(1, table([["METRIC", "VALUE"], ...metricRows(metrics)], wide));
    return 0;
  },
});

/** 2026-11-21T12:13:54.8Z as Go prints a time. */
function goTime(timestamp: string): string {
  return timestamp.replace("T", " ").replace(/Z$/, " +0000 UTC");
}
