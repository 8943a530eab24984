import { anyNumber, defineCommand } from "../../command.ts";
import { table, tight } from "../../format/table.ts";
import { filtersOf } from "../../parse/filters.ts";
import { formatLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "List leases, all or those that match a filter",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the leases' ids" } },
  args: [0, anyNumber],
  examples: ["", "-q", "id==build"],
  async run({ namespace, out, supervisor: connect }, { values, args }) {
    const supervisor = await connect();
    const { leases } = await supervisor.call("leases.list", {
      namespace,
      ...filtersOf(args),
    });
    if (values.quiet) {
      for (const { id } of leases) out.print(id);
      return 0;
    }
    const rows = leases.map(({ id, createdAt, labels }) => [id, wholeSeconds(createdAt), formatLabels(labels, "-")]);
    out.write(1, table([["ID", "CREATED AT", "LABELS"], ...rows], tight));
    return 0;
  },
});

function wholeSeconds(timestamp: string): string {
  return timestamp.replace(/\.\d+/, "");
}
