import { formatAddress, formatSubnet } from "./ipv4.ts";
import type { Network } from "./network.ts";
import type { PublishedPort } from "./port-spec.ts";
import type { Publication, PublishedPorts } from "./publication.ts";

/** Chains of one engine; their names follow its default bridge's, so that two engines do not share any. */
export interface Chains {
  /** nat: published ports. */
  readonly nat: string;
  /** nat: masquerading of packets that leave a network. */
  readonly masquerade: string;
  /** filter: jumped to from FORWARD. */
  readonly forward: string;
  readonly isolation: string;
  readonly ports: string;
  /** Published ports are served by address translation alone, also for the host and the container itself. */
  readonly hairpin: boolean;
}

/** @param hairpin true without proxies: the address translation then serves local callers too */
export function chainsOf(bridge: string, hairpin: boolean): Chains {
  const base = bridge === "gantry0" ? "GANTRY" : bridge.toUpperCase();
  return {
    nat: base,
    masquerade: `${base}-MASQ`,
    forward: `${base}-FORWARD`,
    isolation: `${base}-ISOLATE`,
    ports: `${base}-PORTS`,
    hairpin,
  };
}

/** The jumps from the kernel's own chains into ours: table, chain, the rest of the rule. */
export function jumps(chains: Chains): { table: "nat" | "filter"; chain: string; rule: string; first: boolean }[] {
  const local = "-m addrtype --dst-type LOCAL";
  return [
    { table: "nat", chain: "PREROUTING", rule: `${local} -j ${chains.nat}`, first: false },
    {
      table: "nat",
      chain: "OUTPUT",
      rule: `${chains.hairpin ? "" : "! -d 127.0.0.0/8 "}${local} -j ${chains.nat}`,
      first: false,
    },
    { table: "nat", chain: "POSTROUTING", rule: `-j ${chains.masquerade}`, first: false },
    { table: "filter", chain: "FORWARD", rule: `-j ${chains.forward}`, first: true },
  ];
}

/** All rules of our chains, as one input of `iptables-restore --noflush`, which replaces their content. */
export function allRules(chains: Chains, networks: readonly Network[], published: readonly PublishedPorts[]): string {
  const bridges = networks.filter((network) => network.driver === "bridge");
  const portRules = published.flatMap((each) => rulesOf(chains, each));
  const nat = [
    ...[chains.nat, chains.masquerade].map((chain) => `:${chain} - [0:0]`),
    ...bridges.flatMap((network) => natRules(chains, network)),
    ...portRules.flatMap((rules) => rules.nat.map((rule) => `-A ${rule}`)),
  ];
  const filter = [
    ...[chains.forward, chains.isolation, chains.ports].map((chain) => `:${chain} - [0:0]`),
    ...bridges.flatMap((network) => forwardRules(chains, network)),
    ...bridges.map((network) => `-A ${chains.isolation} -o ${network.bridge} -j DROP`),
    ...portRules.flatMap((rules) => rules.filter.map((rule) => `-A ${rule}`)),
  ];
  return table("nat", nat) + table("filter", filter);
}

/** Adds ("-A") or deletes ("-D") the rules of a container's ports. */
export function portChange(chains: Chains, operation: "-A" | "-D", published: PublishedPorts): string {
  const rules = rulesOf(chains, published);
  const lines = (pick: "nat" | "filter") => rules.flatMap((rule) => rule[pick].map((text) => `${operation} ${text}`));
  return table("nat", lines("nat")) + table("filter", lines("filter"));
}

function table(name: string, lines: readonly string[]): string {
  return `*${name}\n${lines.join("\n")}\nCOMMIT\n`;
}

function natRules(chains: Chains, network: Network): string[] {
  if (!network.addresses || network.internal) return [];
  const { bridge, options } = network;
  const rules: string[] = [];
  // Containers of a network reach a published port through its proxy, not by the address translation.
  if (!chains.hairpin) rules.push(`-A ${chains.nat} -i ${bridge} -j RETURN`);
  else rules.push(`-A ${chains.masquerade} -o ${bridge} -m addrtype --src-type LOCAL -j MASQUERADE`);
  if (options["com.docker.network.bridge.enable_ip_masquerade"] !== "false") {
    const subnet = formatSubnet(network.addresses.subnet);
    rules.push(`-A ${chains.masquerade} -s ${subnet} ! -o ${bridge} -j MASQUERADE`);
  }
  return rules;
}

function forwardRules(chains: Chains, network: Network): string[] {
  const { bridge } = network;
  const among = network.options["com.docker.network.bridge.enable_icc"] === "false" ? "DROP" : "ACCEPT";
  const add = (rule: string) => `-A ${chains.forward} ${rule}`;
  if (network.internal) {
    return [add(`-i ${bridge} -o ${bridge} -j ${among}`), add(`-i ${bridge} -j DROP`), add(`-o ${bridge} -j DROP`)];
  }
  return [
    add(`-i ${bridge} ! -o ${bridge} -j ${chains.isolation}`),
    add(`-o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`),
    add(`-i ${bridge} -o ${bridge} -j ${among}`),
    add(`-i ${bridge} ! -o ${bridge} -j ACCEPT`),
    add(`-o ${bridge} -j ${chains.ports}`),
    add(`-o ${bridge} -j DROP`),
  ];
}

interface PortRules {
  readonly nat: string[];
  readonly filter: string[];
}

function rulesOf(chains: Chains, { publication, ports }: PublishedPorts): PortRules[] {
  return ports.map((port) => rulesOfPort(chains, publication, port));
}

function rulesOfPort(chains: Chains, { network, containerIp }: Publication, port: PublishedPort): PortRules {
  if (port.hostIp.includes(":")) return { nat: [], filter: [] };
  const { protocol, containerPort } = port;
  const to = port.hostIp === "" || port.hostIp === "0.0.0.0" ? "" : ` -d ${port.hostIp}/32`;
  const match = `-p ${protocol} -m ${protocol} --dport`;
  const outside = chains.hairpin ? "" : ` ! -i ${network.bridge}`;
  return {
    nat: [
      `${chains.masquerade} -s ${containerIp}/32 -d ${containerIp}/32 ${match} ${containerPort} -j MASQUERADE`,
      `${chains.nat}${to}${outside} ${match} ${port.hostPort} -j DNAT --to-destination ${containerIp}:${containerPort}`,
    ],
    filter: [
      `${chains.ports} -d ${containerIp}/32 ! -i ${network.bridge} -o ${network.bridge} ${match} ${containerPort} -j ACCEPT`,
    ],
  };
}

/** The gateway's address; empty for a network without addresses. */
export function gatewayOf(network: Network): string {
  return network.addresses ? formatAddress(network.addresses.gateway) : "";
}
