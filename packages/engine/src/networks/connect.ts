import { newId } from "../base/ids.ts";
import { containerOf } from "../spec/namespaces.ts";
import { type Endpoint, type NetworkedContainer, unplaced } from "./endpoint.ts";
import { formatAddress, macOf, parseAddress } from "./ipv4.ts";
import type { Network } from "./network.ts";
import type { Networks } from "./networks.ts";
import { portsToPublish } from "./port-spec.ts";
import { FIRST_INDEX, type Interface } from "./sandbox.ts";

/** Name of a container's network namespace. */
export function sandboxKey(container: Pick<NetworkedContainer, "id">): string {
  return container.id.slice(0, 12);
}

/** The network namespace of a container that does not share another's: a path, or "host". */
export function networkPath(networks: Networks, container: Pick<NetworkedContainer, "id" | "hostConfig">): string {
  const mode = container.hostConfig.NetworkMode ?? "bridge";
  if (mode === "host") return "host";
  return networks.sandboxes.path(sandboxKey(container));
}

/**
 * Gives a container its network: addresses, namespace, links and published ports. All of it or nothing. Addresses
 * are taken before the first wait.
 */
export async function connectContainer(networks: Networks, container: NetworkedContainer): Promise<void> {
  const mode = container.hostConfig.NetworkMode ?? "bridge";
  if (containerOf(mode) !== undefined) return;
  for (const endpoint of Object.values(container.endpoints)) endpoint.endpointId = newId();
  if (mode === "host") return;
  try {
    placeEndpoints(networks, container);
    await publishPorts(networks, container);
  } catch (error) {
    await disconnectContainer(networks, container);
    throw error;
  }
  emitNetworkEvents(networks, container, "connect");
}

function placeEndpoints(networks: Networks, container: NetworkedContainer): void {
  const interfaces: Interface[] = [];
  let hasDefaultRoute = false;
  for (const endpoint of Object.values(container.endpoints)) {
    const network = networks.find(endpoint.networkId);
    if (!network.addresses) continue;
    takeAddress(networks, container, network, endpoint);
    const link = { ...interfaceOf(network, endpoint), index: FIRST_INDEX + interfaces.length };
    interfaces.push(hasDefaultRoute ? { ...link, gateway: "" } : link);
    hasDefaultRoute ||= !network.internal;
  }
  networks.sandboxes.create(sandboxKey(container), interfaces);
}

export function takeAddress(
  networks: Networks,
  container: Pick<NetworkedContainer, "id">,
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

async function publishPorts(networks: Networks, container: NetworkedContainer): Promise<void> {
  const { hostConfig, config } = container;
  const exposed = Object.keys(config.ExposedPorts ?? {});
  const bindings = portsToPublish(hostConfig.PortBindings ?? {}, exposed, hostConfig.PublishAllPorts ?? false);
  const publication = networks.publicationOf(container);
  if (!publication || bindings.length === 0) return;
  container.ports = await networks.publisher.publish(publication, bindings);
}

/**
 * Unpublishes a container's ports. Only then they leave the record, so that a failure can be repeated.
 * @throws RpcError when neither the rules could be removed nor all rules be rebuilt without them
 */
export async function unpublishPorts(networks: Networks, container: NetworkedContainer): Promise<void> {
  const publication = networks.publicationOf(container);
  if (publication) {
    // Another program may have changed the rules: then all of ours are rebuilt.
    await networks.publisher
      .unpublish(publication, container.ports)
      .catch(() => networks.rebuildRules({ without: container.id }));
  }
  container.ports = [];
  container.lostPorts = undefined;
}

/** Removes all of a container's network. May be repeated. */
export async function disconnectContainer(networks: Networks, container: NetworkedContainer): Promise<void> {
  if (Object.values(container.endpoints).some((endpoint) => endpoint.endpointId !== "")) {
    emitNetworkEvents(networks, container, "disconnect");
  }
  networks.sandboxes.remove(sandboxKey(container));
  await unpublishPorts(networks, container);
  // The addresses are released only now that no rule leads to them any more.
  for (const endpoint of Object.values(container.endpoints)) releaseEndpoint(networks, endpoint);
}

export function releaseEndpoint(networks: Networks, endpoint: Endpoint): void {
  const address = parseAddress(endpoint.address);
  if (address !== undefined) {
    networks.options.flows.forgetAddress(endpoint.address);
    networks.addresses.release(endpoint.networkId, address);
  }
  Object.assign(endpoint, unplaced);
}

function emitNetworkEvents(networks: Networks, container: NetworkedContainer, action: "connect" | "disconnect"): void {
  for (const [name, endpoint] of Object.entries(container.endpoints)) {
    const network = networks.lookup(endpoint.networkId);
    const attributes = { container: container.id, name, type: network?.driver ?? "bridge" };
    networks.options.events.emit("network", action, endpoint.networkId, attributes);
  }
}
