import { keyValue, splitCsv } from "@gantry/cli/csv";
import { isIP, isIPv4, isIPv6 } from "./ip.ts";

/** One network that a container joins. */
export interface NetworkChoice {
  /** A network's name or id, none, host, bridge, container:NAME. */
  readonly name: string;
  readonly aliases: string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly mac?: string;
}

/** One --network argument: a name, or name=…,alias=…,ip=…,ip6=…,mac-address=… @throws Error */
export function parseNetwork(text: string): NetworkChoice {
  if (!text.includes("=")) return { name: text, aliases: [] };
  const choice: { name: string; aliases: string[]; ip?: string; ip6?: string; mac?: string } = {
    name: "",
    aliases: [],
  };
  for (const field of splitCsv(text)) {
    const { key, value } = keyValue(field);
    if (value === undefined || value === "") throw new Error(`invalid field ${field}`);
    if (key === "name") choice.name = value;
    else if (key === "alias") choice.aliases.push(value.toLowerCase());
    else if (key === "ip") choice.ip = checkIp(value, isIPv4, "IPv4");
    else if (key === "ip6") choice.ip6 = checkIp(value, isIPv6, "IPv6");
    else if (key === "mac-address") choice.mac = checkMac(value);
    else throw new Error(`invalid field key ${key}`);
  }
  if (choice.name === "") throw new Error(`network name is not specified in "${text}"`);
  return choice;
}

/** @throws Error */
export function checkIp(text: string, check: (text: string) => boolean, kind: string): string {
  if (!check(text)) throw new Error(`invalid ${kind} address: ${text}`);
  return text;
}

/** @throws Error */
export function checkMac(text: string): string {
  if (!/^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(text)) {
    throw new Error(`${text} is not a valid mac address`);
  }
  return text;
}

/** @throws Error */
export function checkDns(text: string): string {
  if (isIP(text) === 0) throw new Error(`IP address is not correctly formatted: ${text}`);
  return text;
}

/** HOST:IP or HOST=IP, where the address may be host-gateway. @throws Error */
export function parseExtraHost(text: string): string {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (!match) throw new Error(`bad format for add-host: "${text}"`);
  const address = (match[2] as string).replace(/^\[(.*)\]$/, "$1");
  if (address !== "host-gateway" && isIP(address) === 0)
    throw new Error(`invalid IP address in add-host: "${address}"`);
  return `${match[1]}:${address}`;
}
