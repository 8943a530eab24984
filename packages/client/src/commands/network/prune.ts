import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { confirm } from "../../io/confirm.ts";
import { parseFilters } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Remove all unused networks",
  flags: {
    filter: { type: "list", value: "KEY=VALUE", doc: "Provide filter values (label=NAME)" },
    force: { type: "boolean", short: "f", doc: "Do not prompt for confirmation" },
  },
  args: [0, 0],
  examples: ["-f"],
  async run(context, { values }) {
    const filters = parseFilters(values.filter);
    const warning = "WARNING! This will remove all custom networks not used by at least one container.";
    if (!values.force && !(await confirm(context, warning))) return 0;
    const engine = await context.engine();
    const { NetworksDeleted } = await engine.call("networkPrune", defined({ Filters: filters }));
    if (NetworksDeleted.length > 0) context.out.print(`Deleted Networks:\n${NetworksDeleted.join("\n")}\n`);
    return 0;
  },
});
