import { defined } from "@gantry/cli";
import type { Network } from "@gantry/ipc/contracts/engine-types";
import { defineCommand } from "../../command.ts";
import { labelText } from "../../format/container-list.ts";
import { type ListFormat, renderList } from "../../format/list.ts";
import { naturalOrder, shortId } from "../../format/text.ts";
import { parseFilters } from "../../parse/filters.ts";

const networkList = (truncate: boolean): ListFormat<Network> => ({
  typeName: "*network.networkContext",
  standard: "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
  quiet: "{{.ID}}",
  columns: {
    CreatedAt: { header: "CREATED AT", value: ({ Created }) => Created },
    Driver: { header: "DRIVER", value: ({ Driver }) => Driver },
    ID: { header: "NETWORK ID", value: ({ Id }) => (truncate ? shortId(Id) : Id) },
    IPv6: { header: "IPV6", value: (network) => String(network["EnableIPv6"] === true) },
    Internal: { header: "INTERNAL", value: ({ Internal }) => String(Internal) },
    Labels: { header: "LABELS", value: ({ Labels }) => labelText(Labels) },
    Name: { header: "NAME", value: ({ Name }) => Name },
    Scope: { header: "SCOPE", value: ({ Scope }) => Scope },
  },
  methods: {
    Label:
      ({ Labels }) =>
      (name) =>
        Labels[String(name)] ?? "",
  },
});

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "List networks",
  flags: {
    filter: { type: "list", short: "f", value: "KEY=VALUE", doc: "Provide filter values (driver=bridge)" },
    format: { type: "string", value: "FORMAT", doc: "Format output: table, table TEMPLATE, json or a Go template" },
    "no-trunc": { type: "boolean", doc: "Do not truncate the output" },
    quiet: { type: "boolean", short: "q", doc: "Only display network IDs" },
  },
  args: [0, 0],
  examples: ["", "-q --filter driver=bridge"],
  async run(context, { values }) {
    const engine = await context.engine();
    const { Networks } = await engine.call("networkList", defined({ Filters: parseFilters(values.filter) }));
    const sorted = Networks.toSorted((a, b) => naturalOrder(a.Name, b.Name));
    context.out.write(1, renderList(sorted, networkList(!values["no-trunc"]), values));
    return 0;
  },
});
