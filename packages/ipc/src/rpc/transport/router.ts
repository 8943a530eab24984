import { chmodSync, lstatSync, rmSync } from "node:fs";
import type { Router } from "zeromq";
import type { ServeOptions } from "../types.ts";
import { encodeCredit, type Frames } from "../wire/envelope.ts";
import { AcceptGate, safeBacklog } from "./accept-gate.ts";
import { type Endpoint, prepareSocketPath } from "./endpoint.ts";
import { probes, routerDefaults, tcpDefaults } from "./socket-defaults.ts";

/** The events that a router reports to its dispatcher. */
export interface RouterEvents {
  receive(route: string, frames: Frames): void;
  gone(route: string): void;
  /** Peers with open calls, whose connections are probed. */
  routes(): readonly string[];
}

const probe: Frames = [encodeCredit(0, 0, 0)];

interface BoundSocket {
  readonly socket: Router;
  /** Frees the resources beside the socket. */
  readonly release?: () => void;
}

/** A server's socket: a bound ROUTER, and the watch over its peers. */
export class RouterListener {
  readonly #socket: Router;
  readonly #options: ServeOptions;
  readonly #events: RouterEvents;
  readonly #timers = new Set<NodeJS.Timeout>();
  #file: { readonly path: string; readonly inode: number } | undefined;
  #gate: AcceptGate | undefined;
  readonly #release: (() => void) | undefined;
  #closed = false;

  constructor({ socket, release }: BoundSocket, options: ServeOptions, events: RouterEvents) {
    this.#socket = socket;
    this.#release = release;
    this.#options = options;
    this.#events = events;
  }

  /** Binds and starts to receive; the first message may come before this returns. Closes itself when it cannot. */
  start(endpoint: Endpoint): void {
    try {
      this.#begin(endpoint);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #begin(endpoint: Endpoint): void {
    this.#guard(this.#watch());
    this.#socket.bindSync(this.#options.endpoint);
    if (endpoint.kind === "ipc") {
      chmodSync(endpoint.path, this.#options.socketMode ?? 0o660);
      this.#file = { path: endpoint.path, inode: lstatSync(endpoint.path).ino };
      this.#gate = new AcceptGate(endpoint.path);
    }
    this.#guard(this.#receive());
    const timer = setInterval(() => this.#probe(), probes.every);
    timer.unref();
    this.#timers.add(timer);
  }

  /** The bound address: with the real port where the endpoint left it open. */
  get endpoint(): string {
    return this.#socket.lastEndpoint ?? this.#options.endpoint;
  }

  send(route: string, frames: Frames): void {
    if (this.#closed) return;
    this.#socket.send([Buffer.from(route, "latin1"), ...frames]).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EHOSTUNREACH") this.#events.gone(route);
      else if (!this.#closed) this.#options.onError?.(error);
    });
  }

  /**
   * No new connections by an ipc path: the socket file is removed, unless another server has put its own there.
   * (zeromq's unbind is not used: it works on the socket from another thread.)
   */
  stop(): void {
    const own = this.#file;
    if (own === undefined) return;
    this.#gate?.close();
    for (const path of [own.path, this.#gate?.closedPath ?? own.path]) {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found?.ino === own.inode) rmSync(path, { force: true });
    }
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.close();
    this.#release?.();
  }

  async #receive(): Promise<void> {
    while (!this.#closed) {
      const [route, ...frames] = await this.#socket.receive();
      if (route !== undefined) this.#events.receive(route.toString("latin1"), frames);
    }
  }

  async #watch(): Promise<void> {
    const monitor = this.#socket.events;
    while (!this.#closed) {
      const event = await monitor.receive();
      if (event === undefined || event.type === "end") return;
      if (event.type === "disconnect") this.#probeSoon();
      else if (event.type === "accept") this.#gate?.accepted();
    }
  }

  /** The event does not say whose connection it was, and comes a moment before the route is gone. */
  #probeSoon(): void {
    for (const delay of probes.afterDisconnect) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#probe();
      }, delay);
      timer.unref();
      this.#timers.add(timer);
    }
  }

  #probe(): void {
    for (const route of this.#events.routes()) this.send(route, probe);
  }

  #guard(loop: Promise<void>): void {
    loop.catch((error: unknown) => {
      if (!this.#closed) this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

/** Makes the ROUTER socket of a server, which is bound by `start`. */
export async function routerListener(
  endpoint: Endpoint,
  options: ServeOptions,
  events: RouterEvents,
): Promise<RouterListener> {
  if (endpoint.kind === "ipc") await prepareSocketPath(endpoint.path);
  return new RouterListener(await routerSocket(endpoint, options), options, events);
}

async function routerSocket(endpoint: Endpoint, options: ServeOptions): Promise<BoundSocket> {
  const { RouterSocket } = await import("./zeromq-sockets.ts");
  if (endpoint.kind === "ipc")
    return { socket: new RouterSocket({ ...routerDefaults, backlog: safeBacklog(routerDefaults.backlog) }) };
  const { authenticatedContext } = await import("./curve.ts");
  if (options.curve === undefined) throw new TypeError("tcp needs CURVE keys");
  const { secretKey, allow } = options.curve;
  const { context, close } = await authenticatedContext(allow);
  const socket = new RouterSocket({
    ...routerDefaults,
    ...tcpDefaults,
    ipv6: options.endpoint.includes("["),
    curveServer: true,
    curveSecretKey: secretKey,
    zapDomain: "gantry",
    context,
  });
  return { socket, release: close };
}
