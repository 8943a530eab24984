import type { FlagTable } from "@gantry/cli";
import { defined } from "@gantry/cli";
import { CommandError, defineCommand } from "../../command.ts";

import { checkedLabels, pairs } from "../../parse/pairs.ts";

interface Pool {
  Subnet?: string;
  Gateway?: string;
  IPRange?: string;
}

const labelFlag = {
  label: { type: "list", value: "NAME[=VALUE]", doc: "Set metadata on a network" },
} as const satisfies FlagTable;

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK",
  summary: "Create a network",
  flags: {
    driver: { type: "string", short: "d", value: "DRIVER", default: "bridge", doc: "Driver to manage the network" },
    gateway: { type: "list", value: "ADDRESS", doc: "IPv4 or IPv6 gateway of each subnet" },
    internal: { type: "boolean", doc: "Restrict external access to the network" },
    "ip-range": { type: "list", value: "CIDR", doc: "Allocate container addresses from a sub-range, of each subnet" },
    ...labelFlag,
    opt: { type: "list", short: "o", value: "NAME=VALUE", doc: "Set driver specific options" },
    subnet: { type: "list", value: "CIDR", doc: "Subnet that represents a network segment" },
  },
  args: [1, 1],
  examples: ["backend", "--subnet 10.9.0.0/16 --gateway 10.9.0.1 backend"],
  async run(context, { values, args: [name = ""] }) {
    const pools = addressPools(values.subnet, values.gateway, values["ip-range"]);
    const engine = await context.engine();
    const { Id, Warning } = await engine.call(
      "networkCreate",
      defined({
        Name: name,
        Driver: values.driver,
        Internal: values.internal,
        IPAM: pools.length > 0 ? { Config: pools } : undefined,
        Options: pairs(values.opt),
        Labels: pairs(checkedLabels(labelFlag, values.label)),
      }),
    );
    if (Warning !== "") context.log.warn(Warning);
    context.out.print(Id);
    return 0;
  },
});

/** The nth gateway and range belong to the nth subnet. */
function addressPools(subnets: readonly string[], gateways: readonly string[], ranges: readonly string[]): Pool[] {
  if (gateways.length > subnets.length || ranges.length > subnets.length) {
    throw new CommandError("every ip-range or gateway must have a corresponding subnet");
  }
  return subnets.map((subnet, at) => defined({ Subnet: subnet, Gateway: gateways[at], IPRange: ranges[at] }) as Pool);
}
