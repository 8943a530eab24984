import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@gantry/common/error-message";
import { extraHosts, type HostEntry, hostsFile, resolverFile } from "../networks/name-files.ts";
import { isUserDefined } from "../networks/network.ts";
import { gatewayOf } from "../networks/rules.ts";
import type { NetworkFiles } from "../spec/mounts.ts";
import type { ContainerDocument } from "./document.ts";
import type { World } from "./world.ts";

/** Where the files of a container are; those of another one when it shares that one's network. */
export function filesOf(world: World, document: ContainerDocument): NetworkFiles {
  const mode = document.hostConfig.NetworkMode ?? "";
  const owner = mode.startsWith("container:")
    ? world.registry.find(mode.slice("container:".length)).document
    : document;
  const directory = world.paths.containerDirectory(owner.id);
  return {
    resolvConf: join(directory, "resolv.conf"),
    hostname: join(directory, "hostname"),
    hosts: join(directory, "hosts"),
  };
}

/** Writes the files for a start; its network is there by now. */
export async function writeFiles(world: World, document: ContainerDocument): Promise<void> {
  const mode = document.hostConfig.NetworkMode ?? "";
  if (mode.startsWith("container:")) return;
  const files = filesOf(world, document);
  const host = document.hostConfig;
  const wishes = { servers: host.Dns ?? [], search: host.DnsSearch ?? [], options: host.DnsOptions ?? [] };
  const write = async (path: string, content: string | Promise<string>) => writeFile(path, await content);
  const resolver = readFile("/etc/resolv.conf", "utf8")
    .catch(() => "")
    .then((text) => resolverFile(text, wishes, mode !== "host"));
  await Promise.all([
    write(files.hostname, `${document.config.Hostname}\n`),
    write(files.resolvConf, resolver),
    world.networks.hosts.create(
      files.hosts,
      mode === "host" ? await hostHosts(document) : containerHosts(world, document),
    ),
  ]);
}

/** On the host's network its own names hold. */
async function hostHosts(document: ContainerDocument): Promise<string> {
  const own = await readFile("/etc/hosts", "utf8").catch(() => hostsFile([], []));
  const extra = extraHosts(document.hostConfig.ExtraHosts ?? [], "127.0.0.1");
  return own + extra.map(({ address, names }) => `${address}\t${names.join(" ")}\n`).join("");
}

function containerHosts(world: World, document: ContainerDocument): string {
  const bridge = world.networks.lookup("bridge");
  const gateway = bridge ? gatewayOf(bridge) : "";
  const extra = extraHosts(document.hostConfig.ExtraHosts ?? [], gateway);
  return hostsFile(extra, [...ownEntries(document), ...neighbours(world, document)]);
}

function ownEntries(document: ContainerDocument): HostEntry[] {
  const { Hostname = "", Domainname } = document.config;
  const names = Domainname ? [`${Hostname}.${Domainname}`, Hostname] : [Hostname];
  return Object.values(document.endpoints)
    .filter((endpoint) => endpoint.address !== "")
    .map((endpoint) => ({ address: endpoint.address, names }));
}

/** Containers that run in the same networks that people made, by name, short id and aliases. */
function neighbours(world: World, document: ContainerDocument): HostEntry[] {
  const entries: HostEntry[] = [];
  for (const endpoint of Object.values(document.endpoints)) {
    const network = world.networks.lookup(endpoint.networkId);
    if (!network || !isUserDefined(network)) continue;
    for (const { containerId, address } of world.networks.members(network)) {
      const other = world.registry.get(containerId)?.document;
      if (!other || address === "") continue;
      const aliases = other.endpoints[network.name]?.aliases ?? [];
      entries.push({ address, names: [other.name, ...new Set([other.id.slice(0, 12), ...aliases])] });
    }
  }
  return entries;
}

/** Updates the hosts files of this container and of all that share a user-defined network with it, after a change. */
export async function updateNeighbours(world: World, document: ContainerDocument): Promise<void> {
  const ids = new Set<string>();
  for (const endpoint of Object.values(document.endpoints)) {
    const network = world.networks.lookup(endpoint.networkId);
    if (!network || !isUserDefined(network)) continue;
    for (const member of world.networks.members(network)) ids.add(member.containerId);
  }
  const mode = document.hostConfig.NetworkMode ?? "";
  const hasOwnFile = mode !== "host" && !mode.startsWith("container:");
  if (hasOwnFile && world.registry.get(document.id)?.document.state.Running) ids.add(document.id);
  await Promise.all(
    [...ids].map(async (id) => {
      const other = world.registry.get(id)?.document;
      if (!other) return;
      const update = world.networks.hosts.update(filesOf(world, other).hosts, containerHosts(world, other));
      await update.catch((error: unknown) =>
        world.log.warn({ id, error: messageOf(error) }, "updating its hosts file"),
      );
    }),
  );
}
