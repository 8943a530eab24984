import { writeFile } from "node:fs/promises";
import { messageOf } from "@gantry/common/error-message";
import { openRoute, type RouteClient } from "@gantry/native-sys/netlink";
import { internal } from "../base/errors.ts";
import { formatAddress, macOf } from "./ipv4.ts";
import type { Network } from "./network.ts";

/**
 * Creates the bridge of a network, or gives an existing one the network's address.
 * @throws RpcError Internal with the kernel's message
 */
export async function ensureBridge(network: Network, hairpin: boolean): Promise<void> {
  const { addresses, bridge } = network;
  if (!addresses) return;
  using route = openRoute();
  try {
    if (!route.linkByName(bridge)) {
      // Without a fixed MAC address a bridge takes one of its ports' and changes it as ports are added and removed.
      route.linkAddBridge({ name: bridge, mac: macOf(addresses.gateway), mtu: network.mtu });
    }
    const address = `${formatAddress(addresses.gateway)}/${addresses.subnet.bits}`;
    setAddress(route, bridge, address);
    route.linkSet(bridge, { up: true });
  } catch (error) {
    throw internal(`cannot set up the bridge ${bridge} of network ${network.name}: ${messageOf(error)}`, error);
  }
  if (hairpin) await writeFile(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, "1");
}

function setAddress(route: RouteClient, bridge: string, address: string): void {
  const link = route.linkByName(bridge);
  if (!link) throw new Error(`${bridge} no longer exists`);
  const present = route.addresses(link.index).filter(({ family }) => family === "inet");
  for (const other of present) {
    if (other.address !== address) route.addressDelete({ link: link.index, address: other.address });
  }
  if (!present.some((other) => other.address === address)) route.addressAdd({ link: link.index, address });
}

export function removeBridge(bridge: string): void {
  using route = openRoute();
  if (route.linkByName(bridge)) route.linkDelete(bridge);
}

/** Makes this network namespace forward packets. */
export async function enableForwarding(): Promise<void> {
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
}
