import { nativeSys } from "../addon.ts";
import { AF_UNSPEC, NETLINK_ROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE } from "../constants.ts";
import { isSystemError } from "../errors.ts";
import { type Address, addressAdd, addressDelete, addressList, decodeAddress, type NewAddress } from "./address.ts";
import {
  decodeLink,
  type Link,
  type LinkRef,
  type LinkSettings,
  linkAddBridge,
  linkAddDummy,
  linkAddVeth,
  linkDelete,
  linkGet,
  linkList,
  linkMove,
  linkRename,
  linkSet,
  linkSetHairpin,
  type NewLink,
  type NewVeth,
} from "./link.ts";
import type { NetlinkRequest } from "./message.ts";
import { decodeRoute, type NewRoute, type Route, routeAdd, routeAddDefault, routeDelete, routeList } from "./route.ts";
import { NetlinkSocket } from "./socket.ts";

/**
 * Opens rtnetlink in a network namespace; without a path in this process's own.
 *
 * @param netnsPath such as /run/netns/NAME or /proc/PID/ns/net
 * @throws SystemError when the namespace cannot be entered
 */
export function openRoute(netnsPath?: string): RouteClient {
  return new RouteClient(new NetlinkSocket(nativeSys(), NETLINK_ROUTE, netnsPath ?? null));
}

/** Links, addresses and routes of one network namespace. Every method throws NetlinkError when the kernel refuses. */
export class RouteClient implements Disposable {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /**
   * Several requests (of the `rtnetlink` functions) in one system call. The kernel handles all of them even when
   * one fails; then the first failure is thrown. A link that is made here with a wanted `index` can be used by the
   * requests after it.
   */
  batch(requests: readonly NetlinkRequest[]): void {
    if (requests.length > 0) this.#socket.send(requests);
  }

  linkAddBridge(link: NewLink): void {
    this.batch([linkAddBridge(link)]);
  }

  linkAddDummy(link: NewLink): void {
    this.batch([linkAddDummy(link)]);
  }

  linkAddVeth(link: NewVeth): void {
    this.batch([linkAddVeth(link)]);
  }

  linkDelete(link: LinkRef): void {
    this.batch([linkDelete(link)]);
  }

  linkSet(link: LinkRef, settings: LinkSettings): void {
    this.batch([linkSet(link, settings)]);
  }

  linkSetUp(link: LinkRef): void {
    this.linkSet(link, { up: true });
  }

  linkSetDown(link: LinkRef): void {
    this.linkSet(link, { up: false });
  }

  linkSetHairpin(link: LinkRef, on: boolean): void {
    this.batch([linkSetHairpin(link, on)]);
  }

  /** A link has to be down for this before Linux 6.3. */
  linkRename(index: number, name: string): void {
    this.batch([linkRename(index, name)]);
  }

  linkMove(index: number, netnsFd: number, name: string): void {
    this.batch([linkMove(index, netnsFd, name)]);
  }

  /** undefined when there is none of that name. */
  linkByName(name: string): Link | undefined {
    return this.#link(name);
  }

  /** undefined when there is none of that index. */
  linkByIndex(index: number): Link | undefined {
    return this.#link(index);
  }

  links(): Link[] {
    return this.#socket.dump(linkList()).filter(isOf(RTM_NEWLINK)).map(decodeLink);
  }

  addressAdd(address: NewAddress): void {
    this.batch([addressAdd(address)]);
  }

  addressDelete(address: Pick<NewAddress, "link" | "address">): void {
    this.batch([addressDelete(address)]);
  }

  /** Addresses of both families, of one link where an index is given. */
  addresses(link?: number): Address[] {
    const all = this.#socket.dump(addressList(AF_UNSPEC)).filter(isOf(RTM_NEWADDR)).map(decodeAddress);
    return link === undefined ? all : all.filter((address) => address.link === link);
  }

  routeAdd(route: NewRoute): void {
    this.batch([routeAdd(route)]);
  }

  routeAddDefault(gateway: string, link?: number): void {
    this.batch([routeAddDefault(gateway, link)]);
  }

  routeDelete(route: NewRoute): void {
    this.batch([routeDelete(route)]);
  }

  /** Routes of both families and all tables. */
  routes(): Route[] {
    return this.#socket.dump(routeList(AF_UNSPEC)).filter(isOf(RTM_NEWROUTE)).map(decodeRoute);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #link(link: LinkRef): Link | undefined {
    try {
      const [message] = this.#socket.send([linkGet(link)]);
      return message && decodeLink(message);
    } catch (error) {
      if (isSystemError(error, "ENODEV")) return undefined;
      throw error;
    }
  }
}

function isOf(type: number): (message: { readonly type: number }) => boolean {
  return (message) => message.type === type;
}
