import { closeSync, constants, openSync } from "node:fs";
import { IFA_F_PERMANENT, RT_SCOPE_UNIVERSE } from "@gantry/native-sys";
import { type Address, type Link, openRoute, type RouteClient } from "@gantry/native-sys/netlink";
import type { Linux } from "@gantry/oci-spec/runtime";

/** Interfaces that were moved, while it may still be that they must go back. */
export interface MovedDevices {
  /** Puts them back as they were, also when the container is gone by now. */
  putBack(): void;
  /** Lets go of the container's network namespace. */
  close(): void;
}

/**
 * Moves network interfaces into the network namespace of a process, under their new names, with the addresses that are
 * to stay, and up (runtime-spec config-linux.md "Network Devices").
 *
 * @throws Error naming the interface; those before it are back then
 */
export function moveNetDevices(pid: number, devices: NonNullable<Linux["netDevices"]>): MovedDevices {
  const namespace = `/proc/${pid}/ns/net`;
  const container = openRoute(namespace);
  const moved: Moved[] = [];
  const handle = {
    putBack: () => {
      for (const one of moved.splice(0).reverse()) putBack(container, one);
    },
    close: () => container.close(),
  };
  const target = openSync(namespace, constants.O_RDONLY);
  try {
    using host = openRoute();
    for (const [name, { name: newName }] of Object.entries(devices)) {
      const one = moveOne({ host, container, target }, name, newName || name);
      moved.push(one);
      settle(container, one.index, one.addresses);
      container.linkSetUp(one.index);
    }
    return handle;
  } catch (error) {
    handle.putBack();
    handle.close();
    throw error;
  } finally {
    closeSync(target);
  }
}

interface Places {
  readonly host: RouteClient;
  readonly container: RouteClient;
  /** The container's network namespace. */
  readonly target: number;
}

interface Moved {
  /** Its number in the container. */
  readonly index: number;
  /** Its former state. */
  readonly link: Link;
  readonly addresses: readonly Address[];
}

function moveOne({ host, container, target }: Places, name: string, newName: string): Moved {
  const fail = (reason: string) => new Error(`linux.netDevices.${name}: ${reason}`);
  const link = host.linkByName(name);
  if (!link) throw fail("there is no such interface");
  if (!newName.includes("%") && container.linkByName(newName))
    throw fail(`the container has an interface ${newName} already`);
  const addresses = host.addresses(link.index).filter(staysWith);
  const before = new Set(container.links().map(({ index }) => index));
  try {
    host.linkMove(link.index, target, newName);
  } catch (error) {
    throw fail((error as Error).message);
  }
  const arrived = container.links().find(({ index, mac }) => !before.has(index) && mac === link.mac);
  if (!arrived) throw fail(`it did not arrive as ${newName}`);
  return { index: arrived.index, link, addresses };
}

/** The addresses that the specification keeps: permanent ones with more than link scope. */
function staysWith({ flags, scope }: Address): boolean {
  return (flags & IFA_F_PERMANENT) !== 0 && scope === RT_SCOPE_UNIVERSE;
}

function settle(place: RouteClient, link: number, addresses: readonly Address[]): void {
  for (const { address, broadcast } of addresses)
    place.addressAdd({ link, address, ...(broadcast ? { broadcast } : {}), noDad: true });
}

function putBack(container: RouteClient, { index, link, addresses }: Moved): void {
  using host = openRoute();
  const home = openSync("/proc/self/ns/net", constants.O_RDONLY);
  try {
    container.linkMove(index, home, link.name);
  } finally {
    closeSync(home);
  }
  const back = host.linkByName(link.name);
  if (!back) return;
  settle(host, back.index, addresses);
  if (link.up) host.linkSetUp(back.index);
}
