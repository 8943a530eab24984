import { closeSync, constants, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MNT_DETACH, nativeSys } from "@gantry/native-sys";
import { type NetlinkRequest, openRoute, type RouteClient, rtnetlink } from "@gantry/native-sys/netlink";
import type { Network } from "./network.ts";

const LOOPBACK = 1;
/** Index of the first link of a sandbox after the loopback. */
export const FIRST_INDEX = 2;

/** A network interface of a sandbox. */
export interface Interface {
  readonly network: Network;
  /** Name of the host's end of the veth pair. */
  readonly hostName: string;
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly mac: string;
  /** Empty: no default route by this link. */
  readonly gateway: string;
}

/** Network namespaces of containers, each bound to a file. */
export class Sandboxes {
  readonly #directory: string;
  readonly #hairpin: boolean;
  #host: RouteClient | undefined;

  constructor(directory: string, hairpin: boolean) {
    this.#directory = directory;
    this.#hairpin = hairpin;
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  }

  path(key: string): string {
    return join(this.#directory, key);
  }

  /** Creates a namespace with a loopback and these interfaces, all of them up. */
  create(key: string, interfaces: readonly Interface[]): void {
    const path = this.path(key);
    nativeSys().createNetns(path);
    try {
      using inside = openRoute(path);
      const requests: NetlinkRequest[] = [rtnetlink.linkSet(LOOPBACK, { up: true })];
      for (const link of interfaces) {
        this.#addVeth(path, link, `eth${link.index - FIRST_INDEX}`);
        requests.push(...configure(link));
      }
      inside.batch(requests);
    } catch (error) {
      this.remove(key);
      throw error;
    }
  }

  /** Adds an interface to a namespace in use, with the first free name. */
  addInterface(key: string, wanted: Omit<Interface, "index">): void {
    const path = this.path(key);
    using inside = openRoute(path);
    const names = new Set(inside.links().map(({ name }) => name));
    let number = 0;
    while (names.has(`eth${number}`)) number++;
    const name = `eth${number}`;
    this.#addVeth(path, { ...wanted, index: 0 }, name);
    try {
      // The kernel chooses the index: it does not reuse those of deleted links.
      const { index } = inside.linkByName(name) ?? { index: 0 };
      inside.batch(configure({ ...wanted, index }));
    } catch (error) {
      this.removeInterface(wanted.hostName);
      throw error;
    }
  }

  /** Adds the default route. */
  setDefaultRoute(key: string, gateway: string): void {
    using inside = openRoute(this.path(key));
    inside.routeAddDefault(gateway);
  }

  removeInterface(hostName: string): void {
    const host = this.#hostRoute();
    if (host.linkByName(hostName)) host.linkDelete(hostName);
  }

  /** Unbinds a namespace; its links are deleted with its last process. Does nothing where there is none. */
  remove(key: string): void {
    const path = this.path(key);
    try {
      nativeSys().umount(path, MNT_DETACH);
    } catch {
      // Not bound, or no longer.
    }
    rmSync(path, { force: true });
  }

  /** Keys of all bound namespaces. */
  keys(): string[] {
    return readdirSync(this.#directory);
  }

  close(): void {
    this.#host?.close();
    this.#host = undefined;
  }

  #hostRoute(): RouteClient {
    this.#host ??= openRoute();
    return this.#host;
  }

  #addVeth(path: string, link: Interface, name: string): void {
    const host = this.#hostRoute();
    const bridge = host.linkByName(link.network.bridge);
    if (!bridge) throw new Error(`the bridge ${link.network.bridge} of network ${link.network.name} does not exist`);
    const netnsFd = openSync(path, constants.O_RDONLY);
    try {
      const { mtu } = link.network;
      const index = link.index === 0 ? {} : { index: link.index };
      const peer = { name, ...index, netnsFd, mac: link.mac, mtu };
      host.linkAddVeth({ name: link.hostName, up: true, master: bridge.index, mtu, peer });
      if (this.#hairpin) host.linkSetHairpin(link.hostName, true);
    } finally {
      closeSync(netnsFd);
    }
  }
}

function configure(link: Interface): NetlinkRequest[] {
  const { index } = link;
  return [
    rtnetlink.addressAdd({ link: index, address: `${link.address}/${link.prefixLength}` }),
    rtnetlink.linkSet(index, { up: true }),
    ...(link.gateway === "" ? [] : [rtnetlink.routeAddDefault(link.gateway, index)]),
  ];
}
