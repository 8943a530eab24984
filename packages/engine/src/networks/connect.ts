import { newId } from "../base/ids.ts";
import type { ContainerDocument, Endpoint } from "../containers/document.ts";
import { formatAddress, macOf, parseAddress } from "./ipv4.ts";
import type { Network } from "./network.ts";
import { type Networks, unplaced } from "./networks.ts";
import { portsToPublish } from "./port-spec.ts";
import { FIRST_INDEX, type Interface } from "./sandbox.ts";

/** Name of a container's network namespace. */
export function sandboxKey(container: Pick<ContainerDocument, "id">): string {
  return container.id.slice(0, 12);
}

/** What the network namespace of a container is: a path, or "host". @throws RpcError when it is that of one that does not run */
export function networkPath(networks: Networks, container: ContainerDocument): string {
  const mode = container.hostConfig.NetworkMode ?? "bridge";
  if (mode === "host") return "host";
  if (mode.startsWith("container:")) return networks.joinPath(mode.slice("container:".length));
  return networks.sandboxes.path(sandboxKey(container));
}

/**
 * Gives a container its network: addresses, namespace, links and published ports. All of it or nothing. Addresses
 * are given before the first wait.
 */
export async function connectContainer(networks: Networks, container: ContainerDocument): Promise<void> {
  const mode = container.hostConfig.NetworkMode ?? "bridge";
  if (mode.startsWith("container:")) return;
  for (const endpoint of Object.values(container.endpoints)) endpoint.endpointId = newId();
  if (mode === "host") return;
  try {
    placeEndpoints(networks, container);
    await publishPorts(networks, container);
  } catch (error) {
    await disconnectContainer(networks, container);
    throw error;
  }
  tell(networks, container, "connect");
}

function placeEndpoints(networks: Networks, container: ContainerDocument): void {
  const interfaces: Interface[] = [];
  let leadsOut = false;
  for (const endpoint of Object.values(container.endpoints)) {
    const network = networks.find(endpoint.networkId);
    if (!network.addresses) continue;
    takeAddress(networks, container, network, endpoint);
    const link = { ...interfaceOf(network, endpoint), index: FIRST_INDEX + interfaces.length };
    interfaces.push(leadsOut ? { ...link, gateway: "" } : link);
    leadsOut ||= !network.internal;
  }
  networks.sandboxes.create(sandboxKey(container), interfaces);
}

export function takeAddress(
  networks: Networks,
  container: Pick<ContainerDocument, "id">,
  network: Network,
  endpoint: Endpoint,
): void {
  if (!network.addresses) return;
  const wanted = endpoint.wantedAddress === "" ? undefined : parseAddress(endpoint.wantedAddress);
  const { subnet, range, gateway } = network.addresses;
  const request = { network: network.id, container: container.id, subnet, range, gateway };
  const address = networks.addresses.allocate(wanted === undefined ? request : { ...request, wanted });
  endpoint.address = formatAddress(address);
  endpoint.prefixLength = subnet.bits;
  endpoint.gateway = network.internal ? "" : formatAddress(gateway);
  endpoint.mac = endpoint.wantedMac || macOf(address);
}

export function interfaceOf(network: Network, endpoint: Endpoint): Omit<Interface, "index"> {
  const { address, prefixLength, mac, gateway } = endpoint;
  return { network, hostName: hostLinkName(endpoint), address, prefixLength, mac, gateway };
}

export function hostLinkName(endpoint: Pick<Endpoint, "endpointId">): string {
  return `veth${endpoint.endpointId.slice(0, 7)}`;
}

async function publishPorts(networks: Networks, container: ContainerDocument): Promise<void> {
  const { hostConfig, config } = container;
  const exposed = Object.keys(config.ExposedPorts ?? {});
  const wishes = portsToPublish(hostConfig.PortBindings ?? {}, exposed, hostConfig.PublishAllPorts ?? false);
  const whom = networks.publicationOf(container);
  if (!whom || wishes.length === 0) return;
  container.ports = await networks.publisher.publish(whom, wishes);
}

/** Takes all of a container's network away. May be repeated. */
export async function disconnectContainer(networks: Networks, container: ContainerDocument): Promise<void> {
  const whom = networks.publicationOf(container);
  const { ports } = container;
  container.ports = [];
  if (Object.values(container.endpoints).some((endpoint) => endpoint.endpointId !== "")) {
    tell(networks, container, "disconnect");
  }
  networks.sandboxes.remove(sandboxKey(container));
  if (whom) {
    // Somebody may have changed the rules behind our back: then they are all put right.
    await networks.publisher.unpublish(whom, ports).catch(() => networks.rebuildRules());
  }
  // The addresses are free only now that nothing leads to them any more.
  for (const endpoint of Object.values(container.endpoints)) releaseEndpoint(networks, endpoint);
}

export function releaseEndpoint(networks: Networks, endpoint: Endpoint): void {
  const address = parseAddress(endpoint.address);
  if (address !== undefined) networks.addresses.release(endpoint.networkId, address);
  Object.assign(endpoint, unplaced);
}

function tell(networks: Networks, container: ContainerDocument, action: "connect" | "disconnect"): void {
  for (const [name, endpoint] of Object.entries(container.endpoints)) {
    const network = networks.lookup(endpoint.networkId);
    const attributes = { container: container.id, name, type: network?.driver ?? "bridge" };
    networks.options.events.emit("network", action, endpoint.networkId, attributes);
  }
}
