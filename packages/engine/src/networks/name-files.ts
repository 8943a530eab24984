import { isIP } from "node:net";

/** Contents of a container's /etc/hosts and /etc/resolv.conf. */

const loopback = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** An address and its names. */
export interface HostEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** /etc/hosts: the loopback, the entries of --add-host, then the container itself and its neighbours. */
export function hostsFile(extra: readonly HostEntry[], members: readonly HostEntry[]): string {
  return loopback + [...extra, ...members].map(({ address, names }) => `${address}\t${names.join(" ")}\n`).join("");
}

/** Reads "name:address" or "name=address"; host-gateway means the host's address. */
export function extraHosts(entries: readonly string[], hostGateway: string): HostEntry[] {
  return entries.map((entry) => {
    const at = entry.includes("=") ? entry.indexOf("=") : entry.indexOf(":");
    const address = entry.slice(at + 1).replace(/^\[|\]$/g, "");
    return { address: address === "host-gateway" ? hostGateway : address, names: [entry.slice(0, at)] };
  });
}

export interface ResolverOptions {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Used where the host's only name servers are on its loopback, which a container cannot reach. */
const publicServers = ["8.8.8.8", "8.8.4.4"];

/**
 * /etc/resolv.conf of a container: the host's, with the requested settings in the place of its own. In a network of its
 * own the host's loopback servers are left out.
 */
export function resolverFile(hostFile: string, requested: ResolverOptions, ownNetwork: boolean): string {
  const host = parseResolver(hostFile);
  const reachable = ownNetwork ? host.servers.filter((server) => !/^(127\.|::1$)/.test(server)) : host.servers;
  const inherited = ownNetwork && reachable.length === 0 ? publicServers : reachable;
  const servers = requested.servers.length > 0 ? requested.servers : inherited;
  const search = requested.search.length > 0 ? requested.search.filter((domain) => domain !== ".") : host.search;
  const options = requested.options.length > 0 ? requested.options : host.options;
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(search.length > 0 ? [`search ${search.join(" ")}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}\n`] : []),
  ].join("");
}

function parseResolver(text: string): ResolverOptions {
  const servers: string[] = [];
  let search: string[] = [];
  const options: string[] = [];
  for (const line of text.split("\n")) {
    const [key, ...values] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    if (key === "nameserver" && values[0] && isIP(values[0].split("%")[0] ?? "")) servers.push(values[0]);
    if (key === "search" || key === "domain") search = values;
    if (key === "options") options.push(...values);
  }
  return { servers, search, options };
}
