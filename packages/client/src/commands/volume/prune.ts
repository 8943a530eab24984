import { defined } from "@gantry/cli";
import { humanSize } from "@gantry/cli/size";
import { defineCommand } from "../../command.ts";
import { confirm } from "../../io/confirm.ts";
import { parseFilters } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Remove unused local volumes",
  flags: {
    all: { type: "boolean", short: "a", doc: "Remove all unused volumes, not just anonymous ones" },
    filter: { type: "list", value: "KEY=VALUE", doc: "Provide filter values (label=NAME)" },
    force: { type: "boolean", short: "f", doc: "Do not prompt for confirmation" },
  },
  args: [0, 0],
  examples: ["-f"],
  async run(context, { values }) {
    const filters = parseFilters(values.filter);
    const what = values.all ? "all local volumes" : "anonymous local volumes";
    const warning = `WARNING! This will remove ${what} not used by at least one container.`;
    if (!values.force && !(await confirm(context, warning))) return 0;
    const engine = await context.engine();
    const { VolumesDeleted, SpaceReclaimed } = await engine.call(
      "volumePrune",
      defined({ All: values.all || undefined, Filters: filters }),
    );
    if (VolumesDeleted.length > 0) context.out.print(`Deleted Volumes:\n${VolumesDeleted.join("\n")}\n`);
    context.out.print(`Total reclaimed space: ${humanSize(SpaceReclaimed)}`);
    return 0;
  },
});
