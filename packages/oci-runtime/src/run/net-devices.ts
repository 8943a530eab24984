import { closeSync, constants, openSync } from "node:fs";
import {
  type Address,
  IFA_F_PERMANENT,
  type Link,
  openRoute,
  type RouteClient,
  RT_SCOPE_UNIVERSE,
} from "@gantry/native-sys";
import type { Linux } from "@gantry/oci-spec/runtime";

/** Puts an interface back as it was; nothing where it is gone. */
export type PutBack = () => void;

/**
 * Moves network interfaces into the network namespace of a process, under their new names, with the addresses that are
 * to stay and up (runtime-spec config-linux.md "Network Devices").
 *
 * @param moved is told, after each, how to put it back
 * @throws Error naming the interface
 */
export function moveNetDevices(
  pid: number,
  devices: NonNullable<Linux["netDevices"]>,
  moved: (undo: PutBack) => void,
): void {
  const namespace = `/proc/${pid}/ns/net`;
  using host = openRoute();
  using container = openRoute(namespace);
  const target = openSync(namespace, constants.O_RDONLY);
  try {
    for (const [name, { name: wish }] of Object.entries(devices))
      try {
        moveOne({ host, container, target }, { name, wish: wish || name, moved });
      } catch (error) {
        throw new Error(`linux.netDevices.${name}: ${(error as Error).message}`);
      }
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

interface Move {
  readonly name: string;
  readonly wish: string;
  readonly moved: (undo: PutBack) => void;
}

function moveOne({ host, container, target }: Places, { name, wish, moved }: Move): void {
  const link = host.linkByName(name);
  if (!link) throw new Error("there is no such interface");
  if (!wish.includes("%") && container.linkByName(wish))
    throw new Error(`the container has an interface ${wish} already`);
  const addresses = host.addresses(link.index).filter(staysWith);
  const before = new Set(container.links().map(({ index }) => index));
  host.linkMove(link.index, target, wish);
  const arrived = wish.includes("%")
    ? container.links().find(({ index, mac }) => !before.has(index) && mac === link.mac)
    : container.linkByName(wish);
  if (!arrived) throw new Error(`it did not arrive as ${wish}`);
  moved(() => putBack(container, arrived.index, { link, addresses }));
  settle(container, arrived.index, addresses);
  container.linkSetUp(arrived.index);
}

/** What the specification has kept: permanent addresses that are good beyond the link. */
function staysWith({ flags, scope }: Address): boolean {
  return (flags & IFA_F_PERMANENT) !== 0 && scope === RT_SCOPE_UNIVERSE;
}

function settle(place: RouteClient, link: number, addresses: readonly Address[]): void {
  for (const { address, broadcast } of addresses)
    place.addressAdd({ link, address, ...(broadcast ? { broadcast } : {}), noDad: true });
}

interface Former {
  readonly link: Link;
  readonly addresses: readonly Address[];
}

function putBack(container: RouteClient, index: number, { link, addresses }: Former): void {
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
