import { defined } from "@gantry/cli";
import { humanSize } from "@gantry/cli/size";
import { Clock } from "@gantry/common/clock";
import { defineCommand } from "../../command.ts";
import { confirm } from "../../io/confirm.ts";
import { parseFilters, withUnixTimes } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Remove all stopped containers",
  flags: {
    filter: { type: "list", value: "KEY=VALUE", doc: "Provide filter values (until=TIME, label=NAME, label!=NAME)" },
    force: { type: "boolean", short: "f", doc: "Do not prompt for confirmation" },
  },
  args: [0, 0],
  examples: ["-f", "--filter until=24h"],
  async run(context, { values }) {
    const filters = withUnixTimes(parseFilters(values.filter), new Clock().nowNs());
    const warning = "WARNING! This will remove all stopped containers.";
    if (!values.force && !(await confirm(context, warning))) return 0;
    const engine = await context.engine();
    const { ContainersDeleted, SpaceReclaimed } = await engine.call("containerPrune", defined({ Filters: filters }));
    if (ContainersDeleted.length > 0) context.out.print(`Deleted Containers:\n${ContainersDeleted.join("\n")}\n`);
    context.out.print(`Total reclaimed space: ${humanSize(SpaceReclaimed)}`);
    return 0;
  },
});
