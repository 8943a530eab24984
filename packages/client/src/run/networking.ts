import type { FlagTable } from "@gantry/cli";
import { defined } from "@gantry/cli";
import { flagValue } from "../parse/flag-value.ts";
import { isIPv4, isIPv6 } from "../parse/ip.ts";
import { checkIp, checkMac, type NetworkChoice, parseNetwork } from "../parse/network.ts";
import { createFlags } from "./create-flags.ts";
import type { CreateRequest, CreateValues } from "./create-request.ts";

const table: FlagTable = createFlags;

/** The parts of a create request that come from --network and from the flags for the first network's endpoint. */
export interface Networking {
  readonly hostConfig: { readonly NetworkMode?: string };
  readonly networkingConfig: CreateRequest["NetworkingConfig"];
}

/** @throws UsageError or Error */
export function networking(values: CreateValues): Networking {
  const choices = values.network.map((text) => flagValue(table, "network", text, parseNetwork));
  const first = withOwnFlags(choices[0], values);
  if (!first) return { hostConfig: {}, networkingConfig: undefined };
  const all = [first, ...choices.slice(1)];
  const endpoints = all.map((choice) => [choice.name, endpoint(choice)] as const);
  const plain = endpoints.length === 1 && Object.keys(endpoints[0]?.[1] ?? {}).length === 0;
  return {
    hostConfig: choices.length > 0 ? { NetworkMode: first.name } : {},
    networkingConfig: plain ? undefined : { EndpointsConfig: Object.fromEntries(endpoints) },
  };
}

/** --network-alias, --ip, --ip6 and --mac-address apply to the first network, or to the default one. */
function withOwnFlags(choice: NetworkChoice | undefined, values: CreateValues): NetworkChoice | undefined {
  const own = {
    ip: checked(values, "ip", (text) => checkIp(text, isIPv4, "IPv4")),
    ip6: checked(values, "ip6", (text) => checkIp(text, isIPv6, "IPv6")),
    mac: checked(values, "mac-address", checkMac),
  };
  const aliases = values["network-alias"];
  const any = aliases.length > 0 || Object.values(own).some((value) => value !== undefined);
  if (!any) return choice;
  const base = choice ?? { name: "bridge", aliases: [] };
  return { ...base, ...defined(own), aliases: [...base.aliases, ...aliases] };
}

function checked(values: CreateValues, name: "ip" | "ip6" | "mac-address", read: (text: string) => string) {
  const text = values[name];
  return text === undefined ? undefined : flagValue(table, name, text, read);
}

/** One network's part of the request, in the Engine API's form. */
export function endpoint({ aliases, ip, ip6, mac }: Omit<NetworkChoice, "name">) {
  const addresses = defined({ IPv4Address: ip, IPv6Address: ip6 });
  return defined({
    Aliases: aliases.length > 0 ? aliases : undefined,
    MacAddress: mac,
    IPAMConfig: Object.keys(addresses).length > 0 ? addresses : undefined,
  });
}
