import { defined } from "@gantry/cli";
import type { Volume } from "@gantry/ipc/contracts/engine-types";
import { defineCommand } from "../../command.ts";
import { labelText } from "../../format/container-list.ts";
import { type ListFormat, renderList } from "../../format/list.ts";
import { naturalOrder } from "../../format/text.ts";
import { parseFilters } from "../../parse/filters.ts";

/** What a list of volumes does not look at. */
const notCounted = "N/A";

const volumeList: ListFormat<Volume> = {
  typeName: "*formatter.volumeContext",
  standard: "table {{.Driver}}\t{{.Name}}",
  quiet: "{{.Name}}",
  columns: {
    Driver: { header: "DRIVER", value: ({ Driver }) => Driver },
    Labels: { header: "LABELS", value: ({ Labels }) => labelText(Labels) },
    Links: { header: "LINKS", value: () => notCounted },
    Mountpoint: { header: "MOUNTPOINT", value: ({ Mountpoint }) => Mountpoint },
    Name: { header: "VOLUME NAME", value: ({ Name }) => Name },
    Scope: { header: "SCOPE", value: ({ Scope }) => Scope },
    Size: { header: "SIZE", value: () => notCounted },
  },
  methods: {
    Label:
      ({ Labels }) =>
      (name) =>
        Labels[String(name)] ?? "",
  },
};

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "List volumes",
  flags: {
    filter: { type: "list", short: "f", value: "KEY=VALUE", doc: "Provide filter values (dangling=true)" },
    format: { type: "string", value: "FORMAT", doc: "Format output: table, table TEMPLATE, json or a Go template" },
    quiet: { type: "boolean", short: "q", doc: "Only display volume names" },
  },
  args: [0, 0],
  examples: ["", "-q --filter dangling=true"],
  async run(context, { values }) {
    const engine = await context.engine();
    const { Volumes } = await engine.call("volumeList", defined({ Filters: parseFilters(values.filter) }));
    const sorted = Volumes.toSorted((a, b) => naturalOrder(a.Name, b.Name));
    context.out.write(1, renderList(sorted, volumeList, values));
    return 0;
  },
});
