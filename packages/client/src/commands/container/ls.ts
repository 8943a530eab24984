import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { listFormat } from "../../config/settings.ts";
import { containerList } from "../../format/container-list.ts";
import { checkListTemplate, renderList } from "../../format/list.ts";
import { parseFilters } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "List containers",
  flags: {
    all: { type: "boolean", short: "a", doc: "Show all containers (default shows just running)" },
    filter: { type: "list", short: "f", value: "KEY=VALUE", doc: "Filter output based on conditions provided" },
    format: { type: "string", value: "FORMAT", doc: "Format output: table, table TEMPLATE, json or a Go template" },
    last: { type: "integer", short: "n", value: "NUMBER", default: -1, doc: "Show n last created, of all states" },
    latest: { type: "boolean", short: "l", doc: "Show the latest created container, of all states" },
    "no-trunc": { type: "boolean", doc: "Don't truncate output" },
    quiet: { type: "boolean", short: "q", doc: "Only display container IDs" },
    size: { type: "boolean", short: "s", doc: "Display total file sizes" },
  },
  args: [0, 0],
  examples: ["", "-a --filter status=exited", "--format 'table {{.Names}}\\t{{.Status}}'"],
  async run(context, { values }) {
    if (values.format && values.quiet)
      context.log.warn("Ignoring custom format, because both --format and --quiet are set.");
    const format = await listFormat(context, { format: values.format, quiet: false }, "psFormat");
    const list = containerList({ truncate: !values["no-trunc"], size: values.size, now: Date.now() / 1000 });
    checkListTemplate(format, list);
    const size = values.size || (!values.quiet && /\.Size\b/.test(format ?? ""));
    const last = values.latest ? 1 : values.last;
    const engine = await context.engine();
    const { Containers } = await engine.call(
      "containerList",
      defined({
        All: values.all || undefined,
        Limit: last > 0 ? last : undefined,
        Size: size || undefined,
        Filters: parseFilters(values.filter),
      }),
    );
    context.out.write(1, renderList(Containers, list, { format, quiet: values.quiet }));
    return 0;
  },
});
