import { readFileSync } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import { internal } from "../base/errors.ts";
import type { PublishedPort } from "../containers/document.ts";
import type { Firewall } from "./firewall.ts";
import { type HeldPort, holdPort } from "./hold-port.ts";
import type { Network } from "./network.ts";
import type { PortRequest } from "./port-spec.ts";
import { isProxy, type ProxyTarget, startProxy, stopProxy } from "./proxy.ts";
import type { PortRule } from "./rules.ts";

/** Ports that are given when none is asked for: the dynamic range of RFC 6335. */
const FIRST_FREE = 49153;
const LAST_FREE = 65535;

export interface PublisherOptions {
  /** Undefined: no proxies. */
  readonly proxyPath: string | undefined;
  readonly firewall: Firewall;
}

/** Whom ports are published for. */
export interface Publication {
  readonly containerName: string;
  readonly network: Network;
  readonly containerIp: string;
}

/** Ports of the host that lead to containers: who has which, the proxies, and the rules. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** "tcp/8080" → addresses that it is taken on. */
  readonly #taken = new Map<string, Set<string>>();
  readonly #held = new Map<string, HeldPort>();
  #nextFree = FIRST_FREE;
  readonly #ipv6 = hasIpv6();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes all or none. @throws RpcError Internal in Docker's words, naming the port */
  async publish(whom: Publication, wishes: readonly PortRequest[]): Promise<PublishedPort[]> {
    const done: PublishedPort[] = [];
    try {
      const results = await Promise.allSettled(
        wishes.map(async (wish) => {
          done.push(...(await this.#publishOne(whom, wish)));
        }),
      );
      const failure = results.find((result) => result.status === "rejected");
      if (failure) throw failure.reason;
      await this.#options.firewall.addPorts(rulesOf(whom, done));
      return done;
    } catch (error) {
      await this.#stop(whom, done);
      const prefix = `driver failed programming external connectivity on endpoint ${whom.containerName}`;
      throw internal(`${prefix}: ${messageOf(error)}`, error);
    }
  }

  async unpublish(whom: Publication, ports: readonly PublishedPort[]): Promise<void> {
    if (ports.length === 0) return;
    await Promise.all([this.#stop(whom, ports), this.#options.firewall.removePorts(rulesOf(whom, ports))]);
  }

  /**
   * Takes over ports that an earlier engine published: those whose proxy is gone get a new one.
   * @returns the ports as they are now
   */
  async adopt(whom: Publication, ports: readonly PublishedPort[]): Promise<PublishedPort[]> {
    const adopted: PublishedPort[] = [];
    for (const port of ports) {
      const target = targetOf(whom, port);
      this.#take(port.protocol, port.hostIp, port.hostPort);
      if (await isProxy(port.proxyPid, target)) adopted.push(port);
      else adopted.push({ ...port, proxyPid: await this.#serve(target) });
    }
    return adopted;
  }

  async #publishOne(whom: Publication, wish: PortRequest): Promise<PublishedPort[]> {
    const any = wish.hostIp === "";
    const addresses = any ? (this.#ipv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"]) : [wish.hostIp];
    const choice = wish.first !== wish.last || wish.first === 0;
    for (const hostPort of this.#candidates(wish)) {
      if (!addresses.every((address) => this.#isFree(wish.protocol, address, hostPort))) {
        if (choice) continue;
        throw new Error(`Bind for ${addresses[0]}:${hostPort} failed: port is already allocated`);
      }
      try {
        return await this.#open(whom, wish, addresses, hostPort);
      } catch (error) {
        if (!choice || !/in use/i.test(messageOf(error))) throw error;
      }
    }
    throw new Error(`Bind for ${addresses[0]}:${wish.first}-${wish.last} failed: all ports are allocated`);
  }

  async #open(
    whom: Publication,
    wish: PortRequest,
    addresses: readonly string[],
    hostPort: number,
  ): Promise<PublishedPort[]> {
    for (const address of addresses) this.#take(wish.protocol, address, hostPort);
    const { protocol, containerPort } = wish;
    const results = await Promise.allSettled(
      addresses.map(async (hostIp): Promise<PublishedPort> => {
        const port = { protocol, containerPort, hostIp, hostPort, proxyPid: 0 };
        return { ...port, proxyPid: await this.#serve(targetOf(whom, port)) };
      }),
    );
    const failure = results.find((result) => result.status === "rejected");
    const opened = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
    if (!failure) return opened;
    await this.#stop(whom, opened);
    for (const address of addresses) this.#free(protocol, address, hostPort);
    throw failure.reason;
  }

  /** Starts what answers on the port of the host; 0 when that is the address translation alone. */
  async #serve(target: ProxyTarget): Promise<number> {
    const { proxyPath } = this.#options;
    try {
      if (proxyPath !== undefined) return await startProxy(proxyPath, target);
      const held = await holdPort(target.protocol, target.hostIp, target.hostPort);
      this.#held.set(keyOf(target.protocol, target.hostIp, target.hostPort), held);
      return 0;
    } catch (error) {
      const words = messageOf(error);
      const where = `${shown(target.hostIp)}:${target.hostPort}`;
      if (/EADDRINUSE|in use/i.test(words)) {
        throw new Error(`failed to bind port ${where}/${target.protocol}: address already in use`, { cause: error });
      }
      throw new Error(`failed to serve port ${where}/${target.protocol}: ${words}`, { cause: error });
    }
  }

  async #stop(whom: Publication, ports: readonly PublishedPort[]): Promise<void> {
    await Promise.all(
      ports.map(async (port) => {
        await stopProxy(port.proxyPid, targetOf(whom, port));
        const key = keyOf(port.protocol, port.hostIp, port.hostPort);
        this.#held.get(key)?.close();
        this.#held.delete(key);
        this.#free(port.protocol, port.hostIp, port.hostPort);
      }),
    );
  }

  *#candidates(wish: PortRequest): Iterable<number> {
    if (wish.first !== 0) {
      for (let port = wish.first; port <= wish.last; port++) yield port;
      return;
    }
    for (let step = FIRST_FREE; step <= LAST_FREE; step++) {
      const port = this.#nextFree;
      this.#nextFree = port === LAST_FREE ? FIRST_FREE : port + 1;
      yield port;
    }
  }

  #isFree(protocol: string, address: string, port: number): boolean {
    const taken = this.#taken.get(`${protocol}/${port}`);
    if (!taken || taken.size === 0) return true;
    if (taken.has(address)) return false;
    const everywhere = address.includes(":") ? "::" : "0.0.0.0";
    const sameFamily = [...taken].filter((other) => other.includes(":") === address.includes(":"));
    return sameFamily.length === 0 || (address !== everywhere && !taken.has(everywhere));
  }

  #take(protocol: string, address: string, port: number): void {
    const key = `${protocol}/${port}`;
    const taken = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, taken.add(address));
  }

  #free(protocol: string, address: string, port: number): void {
    const key = `${protocol}/${port}`;
    const taken = this.#taken.get(key);
    taken?.delete(address);
    if (taken?.size === 0) this.#taken.delete(key);
  }
}

export function rulesOf(whom: Publication, ports: readonly PublishedPort[]): PortRule[] {
  return ports.map((port) => ({ network: whom.network, ...targetOf(whom, port) }));
}

function targetOf(whom: Publication, port: PublishedPort): ProxyTarget {
  const { protocol, hostIp, hostPort, containerPort } = port;
  return { protocol, hostIp, hostPort, containerIp: whom.containerIp, containerPort };
}

function keyOf(protocol: string, address: string, port: number): string {
  return `${protocol}/${address}/${port}`;
}

function shown(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function hasIpv6(): boolean {
  try {
    return readFileSync("/proc/net/if_inet6", "utf8") !== "";
  } catch {
    return false;
  }
}
