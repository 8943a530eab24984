import { isIP } from "node:net";

/** Contents of the files that tell a container's programs about names. */

const loopback = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** An address and the names that stand for it. */
export interface HostEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** /etc/hosts: the loopback, what was asked for, then the container itself and those it knows. */
export function hostsFile(extra: readonly HostEntry[], known: readonly HostEntry[]): string {
  return loopback + [...extra, ...known].map(({ address, names }) => `${address}\t${names.join(" ")}\n`).join("");
}

/** Reads "name:address" or "name=address"; host-gateway stands for the host's address. */
export function extraHosts(entries: readonly string[], hostGateway: string): HostEntry[] {
  return entries.map((entry) => {
    const at = entry.includes("=") ? entry.indexOf("=") : entry.indexOf(":");
    const address = entry.slice(at + 1).replace(/^\[|\]$/g, "");
    return { address: address === "host-gateway" ? hostGateway : address, names: [entry.slice(0, at)] };
  });
}

export interface ResolverWishes {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Used when the host's only name servers are its own loopback, which a container does not reach. */
const publicServers = ["8.8.8.8", "8.8.4.4"];

/**
 * /etc/resolv.conf of a container: the host's with what was asked for in its place. In a network of its own the
 * host's loopback servers are left out.
 */
export function resolverFile(hostFile: string, wishes: ResolverWishes, ownNetwork: boolean): string {
  const host = parseResolver(hostFile);
  const reachable = ownNetwork ? host.servers.filter((server) => !/^(127\.|::1$)/.test(server)) : host.servers;
  const inherited = ownNetwork && reachable.length === 0 ? publicServers : reachable;
  const servers = wishes.servers.length > 0 ? wishes.servers : inherited;
  const search = wishes.search.length > 0 ? wishes.search.filter((domain) => domain !== ".") : host.search;
  const options = wishes.options.length > 0 ? wishes.options : host.options;
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(search.length > 0 ? [`search ${search.join(" ")}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}\n`] : []),
  ].join("");
}

function parseResolver(text: string): ResolverWishes {
  const servers: string[] = [];
  let search: string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    const [key, ...words] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (key === "nameserver" && words[0] && isIP(words[0].split("%")[0] ?? "")) servers.push(words[0]);
    if (key === "search" || key === "domain") search = words;
    if (key === "options") options.push(...words);
  }
  return { servers, search, options };
}
