import { messageOf } from "@gantry/common/error-message";
import { conflict, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { containerOf } from "../spec/namespaces.ts";
import { hostLinkName, interfaceOf, releaseEndpoint, sandboxKey, takeAddress, unpublishPorts } from "./connect.ts";
import type { Endpoint, EndpointRequest, NetworkedContainer } from "./endpoint.ts";
import type { Network } from "./network.ts";
import type { Networks } from "./networks.ts";

/**
 * `network connect`: adds a container to a network, at once when it runs.
 * @throws RpcError FailedPrecondition when its network mode allows no other, or it is in the network already
 */
export function addToNetwork(
  networks: Networks,
  container: NetworkedContainer,
  network: Network,
  request: EndpointRequest,
): void {
  const mode = container.hostConfig.NetworkMode ?? "";
  if (mode === "host" || network.driver === "host") {
    throw conflict("container cannot be disconnected from host network or connected to it");
  }
  if (containerOf(mode) !== undefined)
    throw conflict(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  if (network.driver === "null" || container.endpoints["none"]) {
    throw conflict(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  }
  if (container.endpoints[network.name]) {
    throw conflict(`endpoint with name ${container.name} already exists in network ${network.name}`);
  }
  const endpoint = networks.newEndpoint(network, request);
  if (container.state.Running) {
    endpoint.endpointId = newId();
    takeAddress(networks, container, network, endpoint);
    const link = interfaceOf(network, endpoint);
    try {
      networks.sandboxes.addInterface(
        sandboxKey(container),
        defaultEndpoint(container) ? { ...link, gateway: "" } : link,
      );
    } catch (error) {
      releaseEndpoint(networks, endpoint);
      throw error;
    }
  }
  container.endpoints[network.name] = endpoint;
  const attributes = { container: container.id, name: network.name, type: network.driver };
  networks.options.events.emit("network", "connect", network.id, attributes);
}

export interface Disconnection {
  readonly network: Network;
  /** Also when its interface cannot be removed. */
  readonly force: boolean;
}

/** `network disconnect`. @throws RpcError NotFound when the container is not in the network */
export async function takeFromNetwork(
  networks: Networks,
  container: NetworkedContainer,
  { network, force }: Disconnection,
): Promise<void> {
  const endpoint = container.endpoints[network.name];
  if (!endpoint) throw notFound(`container ${container.id} is not connected to network ${network.name}`);
  if (network.driver === "host")
    throw conflict("container cannot be disconnected from host network or connected to it");
  if (networks.publicationOf(container)?.network.id === network.id) await unpublishPorts(networks, container);
  const wasDefault = defaultEndpoint(container) === endpoint;
  if (endpoint.endpointId !== "") removeInterface(networks, endpoint, force);
  releaseEndpoint(networks, endpoint);
  delete container.endpoints[network.name];
  const next = defaultEndpoint(container);
  if (wasDefault && next) networks.sandboxes.setDefaultRoute(sandboxKey(container), next.gateway);
  const attributes = { container: container.id, name: network.name, type: network.driver };
  networks.options.events.emit("network", "disconnect", network.id, attributes);
}

function removeInterface(networks: Networks, endpoint: Endpoint, force: boolean): void {
  try {
    networks.sandboxes.removeInterface(hostLinkName(endpoint));
  } catch (error) {
    if (!force) throw error;
    networks.options.log.warn(
      { error: messageOf(error) },
      "removing the interface of a container that is disconnected",
    );
  }
}

/** The endpoint that has a running container's default route; undefined when all of its networks are internal. */
function defaultEndpoint(container: NetworkedContainer): Endpoint | undefined {
  return Object.values(container.endpoints).find(({ endpointId, gateway }) => endpointId !== "" && gateway !== "");
}
