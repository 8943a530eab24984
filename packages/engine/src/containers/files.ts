import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@gantry/common/error-message";
import type { Log } from "../base/log.ts";
import type { Paths } from "../base/paths.ts";
import { extraHosts, type HostEntry, hostsFile, resolverFile } from "../networks/name-files.ts";
import { isUserDefined } from "../networks/network.ts";
import type { Networks } from "../networks/networks.ts";
import { gatewayOf } from "../networks/rules.ts";
import type { NetworkFiles } from "../spec/mounts.ts";
import { containerOf } from "../spec/namespaces.ts";
import type { ContainerDocument } from "./document.ts";
import type { Registry } from "./registry.ts";

export interface FileDeps {
  readonly registry: Registry;
  readonly networks: Networks;
  readonly paths: Paths;
  readonly log: Log;
}

/** Where the files of a container are; those of another one when it shares that one's network. */
export function filesOf(deps: FileDeps, document: ContainerDocument): NetworkFiles {
  const shared = containerOf(document.hostConfig.NetworkMode);
  const owner = shared === undefined ? document : deps.registry.find(shared).document;
  const directory = deps.paths.containerDirectory(owner.id);
  return {
    resolvConf: join(directory, "resolv.conf"),
    hostname: join(directory, "hostname"),
    hosts: join(directory, "hosts"),
  };
}

/** Writes the files for a start; its network exists by now. */
export async function writeFiles(deps: FileDeps, document: ContainerDocument): Promise<void> {
  const mode = document.hostConfig.NetworkMode ?? "";
  if (containerOf(mode) !== undefined) return;
  const files = filesOf(deps, document);
  const host = document.hostConfig;
  const settings = { servers: host.Dns ?? [], search: host.DnsSearch ?? [], options: host.DnsOptions ?? [] };
  const write = async (path: string, content: string | Promise<string>) => writeFile(path, await content);
  const resolver = readFile("/etc/resolv.conf", "utf8")
    .catch(() => "")
    .then((text) => resolverFile(text, settings, mode !== "host"));
  await Promise.all([
    write(files.hostname, `${document.config.Hostname}\n`),
    write(files.resolvConf, resolver),
    deps.networks.hosts.create(
      files.hosts,
      mode === "host" ? await hostHosts(document) : containerHosts(deps, document),
    ),
  ]);
}

/** In the host's network the host's own names apply. */
async function hostHosts(document: ContainerDocument): Promise<string> {
  const own = await readFile("/etc/hosts", "utf8").catch(() => hostsFile([], []));
  const extra = extraHosts(document.hostConfig.ExtraHosts ?? [], "127.0.0.1");
  return own + extra.map(({ address, names }) => `${address}\t${names.join(" ")}\n`).join("");
}

function containerHosts(deps: FileDeps, document: ContainerDocument): string {
  const bridge = deps.networks.lookup("bridge");
  const gateway = bridge ? gatewayOf(bridge) : "";
  const extra = extraHosts(document.hostConfig.ExtraHosts ?? [], gateway);
  return hostsFile(extra, [...ownEntries(document), ...neighbours(deps, document)]);
}

function ownEntries(document: ContainerDocument): HostEntry[] {
  const { Hostname = "", Domainname } = document.config;
  const names = Domainname ? [`${Hostname}.${Domainname}`, Hostname] : [Hostname];
  return Object.values(document.endpoints)
    .filter((endpoint) => endpoint.address !== "")
    .map((endpoint) => ({ address: endpoint.address, names }));
}

/** Running containers in the same user-defined networks, by name, short id and aliases. */
function neighbours(deps: FileDeps, document: ContainerDocument): HostEntry[] {
  const entries: HostEntry[] = [];
  for (const endpoint of Object.values(document.endpoints)) {
    const network = deps.networks.lookup(endpoint.networkId);
    if (!network || !isUserDefined(network)) continue;
    for (const { containerId, address } of deps.networks.members(network)) {
      const other = deps.registry.get(containerId)?.document;
      if (!other || address === "") continue;
      const aliases = other.endpoints[network.name]?.aliases ?? [];
      entries.push({ address, names: [other.name, ...new Set([other.id.slice(0, 12), ...aliases])] });
    }
  }
  return entries;
}

/** Updates the hosts files of this container and of all that share a user-defined network with it, after a change. */
export async function updateNeighbours(deps: FileDeps, document: ContainerDocument): Promise<void> {
  const ids = new Set<string>();
  for (const endpoint of Object.values(document.endpoints)) {
    const network = deps.networks.lookup(endpoint.networkId);
    if (!network || !isUserDefined(network)) continue;
    for (const member of deps.networks.members(network)) ids.add(member.containerId);
  }
  const mode = document.hostConfig.NetworkMode ?? "";
  const hasOwnFile = mode !== "host" && containerOf(mode) === undefined;
  if (hasOwnFile && deps.registry.get(document.id)?.document.state.Running) ids.add(document.id);
  await Promise.all(
    [...ids].map(async (id) => {
      const other = deps.registry.get(id)?.document;
      if (!other) return;
      const update = deps.networks.hosts.update(filesOf(deps, other).hosts, containerHosts(deps, other));
      await update.catch((error: unknown) => deps.log.warn({ id, error: messageOf(error) }, "updating its hosts file"));
    }),
  );
}
