import { defineCommand } from "../../command.ts";
import { table, tight } from "../../format/table.ts";
import { formatLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "List namespaces",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the namespaces' names" } },
  args: [0, 0],
  examples: ["", "-q"],
  async run(context, { values }) {
    const supervisor = await context.supervisor();
    const { namespaces } = await supervisor.call("namespaces.list", {});
    if (values.quiet) {
      for (const { name } of namespaces) context.out.print(name);
      return 0;
    }
    const rows = namespaces.map(({ name, labels }) => [name, formatLabels(labels)]);
    context.out.write(1, table([["NAME", "LABELS"], ...rows], tight));
    return 0;
  },
});
