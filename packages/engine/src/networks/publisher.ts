import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { allSettledOrThrow } from "@gantry/common/all-settled";
import { messageOf } from "@gantry/common/error-message";
import type { NativeSys } from "@gantry/native-sys";
import { internal } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Firewall } from "./firewall.ts";
import type { Flows } from "./flows.ts";
import { AddressInUseError, type HeldPort, holdPort, isAddressInUse } from "./hold-port.ts";
import { HostPorts } from "./host-ports.ts";
import type { PortBinding, PublishedPort } from "./port-spec.ts";
import { hasProxy, startProxy, stopProxy } from "./proxy.ts";
import type { Publication } from "./publication.ts";

/** How long a fixed port that another process has is tried again: that process may be about to end. */
const RETRY_MS = 1000;
const RETRY_PAUSE_MS = 50;

export interface PublisherOptions {
  readonly native: NativeSys;
  readonly log: Log;
  /** Undefined: no proxies. */
  readonly proxyPath: string | undefined;
  readonly firewall: Firewall;
  readonly flows: Flows;
}

/** Ports of the host that lead to containers: which container has which, the proxies, and the rules. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #ports = new HostPorts();
  readonly #held = new Map<string, HeldPort>();
  readonly #ipv6 = hasIpv6();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes all or none. @throws RpcError Internal with Docker's message, naming the port */
  async publish(publication: Publication, bindings: readonly PortBinding[]): Promise<PublishedPort[]> {
    const done: PublishedPort[] = [];
    try {
      await allSettledOrThrow(
        bindings.map(async (binding) => {
          done.push(...(await this.#publishOne(publication, binding)));
        }),
      );
      await this.#options.firewall.addPorts({ publication, ports: done });
      this.#forgetOther(publication, done);
      return done;
    } catch (error) {
      await this.#stop(publication, done);
      const prefix = `driver failed programming external connectivity on endpoint ${publication.containerName}`;
      throw internal(`${prefix}: ${messageOf(error)}`, error);
    }
  }

  /** Stops the proxies and removes the rules. May be repeated after a failure. */
  async unpublish(publication: Publication, ports: readonly PublishedPort[]): Promise<void> {
    if (ports.length === 0) return;
    await allSettledOrThrow([
      this.#stop(publication, ports),
      this.#options.firewall.removePorts({ publication, ports }),
    ]);
  }

  /**
   * Takes over ports that an earlier engine published: those whose proxy has ended get a new one. A port that cannot be
   * served any more is reported and unpublished; the others stay.
   */
  async adopt(publication: Publication, ports: readonly PublishedPort[]): Promise<AdoptedPorts> {
    const { served, lost } = await this.#serveAgain(publication, ports);
    if (lost.length > 0) {
      await this.#options.firewall.removePorts({ publication, ports: lost }).catch((error: unknown) => {
        this.#options.log.warn({ error: messageOf(error) }, "removing the rules of ports that are not served");
      });
    }
    this.#forgetOther(publication, served);
    return { served, lost };
  }

  /** Publishes ports again that were lost. @throws RpcError of the rules; then none is published */
  async regain(publication: Publication, ports: readonly PublishedPort[]): Promise<AdoptedPorts> {
    const { served, lost } = await this.#serveAgain(publication, ports);
    if (served.length === 0) return { served, lost };
    try {
      await this.#options.firewall.addPorts({ publication, ports: served });
    } catch (error) {
      await this.#stop(publication, served);
      throw error;
    }
    this.#forgetOther(publication, served);
    return { served, lost };
  }

  async #serveAgain(publication: Publication, ports: readonly PublishedPort[]): Promise<AdoptedPorts> {
    const results = await Promise.all(ports.map((port) => this.#adoptOne(publication, port)));
    return {
      served: results.filter((port) => port !== undefined),
      lost: ports.filter((_, index) => results[index] === undefined),
    };
  }

  /** Traffic that began before the rules were there goes where they lead from now on. */
  #forgetOther({ containerIp }: Publication, ports: readonly PublishedPort[]): void {
    for (const port of ports) this.#options.flows.forgetPort(containerIp, port);
  }

  async #adoptOne(publication: Publication, port: PublishedPort): Promise<PublishedPort | undefined> {
    this.#ports.take(port.protocol, port.hostIp, port.hostPort);
    try {
      if (await hasProxy(publication.containerIp, port)) return port;
      return { ...port, proxyPid: await retryWhileTaken(() => this.#serve(publication, port)) };
    } catch (error) {
      this.#ports.free(port.protocol, port.hostIp, port.hostPort);
      const { containerName: container } = publication;
      this.#options.log.warn({ container, error: messageOf(error) }, "a published port is lost");
      return undefined;
    }
  }

  async #publishOne(publication: Publication, binding: PortBinding): Promise<PublishedPort[]> {
    const { protocol, hostIp, first, last } = binding;
    const addresses = hostIp !== "" ? [hostIp] : this.#ipv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"];
    const isFixed = first === last && first !== 0;
    for (const hostPort of this.#ports.candidates(binding)) {
      if (!addresses.every((address) => this.#ports.isFree(protocol, address, hostPort))) {
        if (!isFixed) continue;
        throw new Error(`Bind for ${addresses[0]}:${hostPort} failed: port is already allocated`);
      }
      const open = () => this.#open(publication, binding, addresses, hostPort);
      try {
        return isFixed ? await retryWhileTaken(open) : await open();
      } catch (error) {
        if (isFixed || !isAddressInUse(error)) throw error;
      }
    }
    throw new Error(`Bind for ${addresses[0]}:${first}-${last} failed: all ports are allocated`);
  }

  async #open(
    publication: Publication,
    binding: PortBinding,
    addresses: readonly string[],
    hostPort: number,
  ): Promise<PublishedPort[]> {
    const { protocol, containerPort } = binding;
    for (const address of addresses) this.#ports.take(protocol, address, hostPort);
    const results = await Promise.allSettled(
      addresses.map(async (hostIp): Promise<PublishedPort> => {
        const port = { protocol, containerPort, hostIp, hostPort, proxyPid: 0 };
        return { ...port, proxyPid: await this.#serve(publication, port) };
      }),
    );
    const failure = results.find((result) => result.status === "rejected");
    const opened = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
    if (!failure) return opened;
    await this.#stop(publication, opened);
    for (const address of addresses) this.#ports.free(protocol, address, hostPort);
    throw failure.reason;
  }

  /** Starts the proxy of a port. @returns its process; 0 where the address translation alone serves the port */
  async #serve({ containerIp }: Publication, port: PublishedPort): Promise<number> {
    const { proxyPath } = this.#options;
    try {
      if (proxyPath !== undefined) return await startProxy(proxyPath, containerIp, port);
      const held = await holdPort(port.protocol, port.hostIp, port.hostPort);
      this.#held.set(keyOf(port), held);
      return 0;
    } catch (error) {
      throw serveError(port, error);
    }
  }

  async #stop(publication: Publication, ports: readonly PublishedPort[]): Promise<void> {
    await Promise.all(
      ports.map(async (port) => {
        await stopProxy(this.#options.native, publication.containerIp, port);
        this.#held.get(keyOf(port))?.close();
        this.#held.delete(keyOf(port));
        this.#ports.free(port.protocol, port.hostIp, port.hostPort);
      }),
    );
  }
}

/** The ports of an earlier engine: those that are served, and those that cannot be. */
export interface AdoptedPorts {
  readonly served: PublishedPort[];
  readonly lost: PublishedPort[];
}

/** Repeats an attempt for a bounded time while it fails with EADDRINUSE. */
async function retryWhileTaken<T>(attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + RETRY_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isAddressInUse(error) || performance.now() >= end) throw error;
      await delay(RETRY_PAUSE_MS);
    }
  }
}

function serveError({ protocol, hostIp, hostPort }: PublishedPort, cause: unknown): Error {
  const where = `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}/${protocol}`;
  if (isAddressInUse(cause)) {
    return new AddressInUseError(`failed to bind port ${where}: address already in use`, { cause });
  }
  return new Error(`failed to serve port ${where}: ${messageOf(cause)}`, { cause });
}

function keyOf({ protocol, hostIp, hostPort }: PublishedPort): string {
  return `${protocol}/${hostIp}/${hostPort}`;
}

function hasIpv6(): boolean {
  try {
    return readFileSync("/proc/net/if_inet6", "utf8") !== "";
  } catch {
    return false;
  }
}
