import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { flagValue } from "../../parse/flag-value.ts";
import { isIPv4, isIPv6 } from "../../parse/ip.ts";
import { checkIp } from "../../parse/network.ts";
import { endpoint } from "../../run/networking.ts";

const flags = {
  alias: { type: "list", value: "NAME", doc: "Add network-scoped alias for the container" },
  ip: { type: "string", value: "ADDRESS", doc: "IPv4 address" },
  ip6: { type: "string", value: "ADDRESS", doc: "IPv6 address" },
} as const;

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK CONTAINER",
  summary: "Connect a container to a network",
  flags,
  args: [2, 2],
  examples: ["--alias db backend postgres"],
  async run(context, { values, args: [network = "", container = ""] }) {
    const { ip, ip6 } = values;
    const config = endpoint(
      defined({
        aliases: values.alias,
        ip: ip === undefined ? undefined : flagValue(flags, "ip", ip, (text) => checkIp(text, isIPv4, "IPv4")),
        ip6: ip6 === undefined ? undefined : flagValue(flags, "ip6", ip6, (text) => checkIp(text, isIPv6, "IPv6")),
      }),
    );
    const engine = await context.engine();
    await engine.call("networkConnect", { Id: network, Container: container, EndpointConfig: config });
    return 0;
  },
});
