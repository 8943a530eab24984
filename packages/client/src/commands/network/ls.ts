import type { Network } from "@gantry/ipc/contracts/engine-types";
import { labelMethods, labelText } from "../../format/labels.ts";
import type { ListFormat } from "../../format/list.ts";
import { shortId } from "../../format/text.ts";
import { listCommand } from "../list-command.ts";

const networkList = (truncate: boolean): ListFormat<Network> => ({
  typeName: "*network.networkContext",
  standard: "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
  quiet: "{{.ID}}",
  raw: "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
  rawQuiet: "network_id: {{.ID}}",
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
  methods: labelMethods,
});

export const command = listCommand({
  objects: "networks",
  quiet: "network IDs",
  setting: "networksFormat",
  filter: "driver=bridge",
  flags: { "no-trunc": { type: "boolean", doc: "Do not truncate the output" } },
  load: async (engine, request) => (await engine.call("networkList", request)).Networks,
  format: (values) => networkList(values["no-trunc"] !== true),
});
