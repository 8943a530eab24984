import type { Contract, Methods } from "../../contracts/define.ts";
import { RpcError } from "../../contracts/errors.ts";
import { Caller, type Link } from "../calls/caller.ts";
import { Dispatcher } from "../calls/dispatcher.ts";
import type { Client, Connect, ConnectOptions, Handlers, Serve, ServeOptions, Server } from "../types.ts";
import type { Frames } from "../wire/envelope.ts";

/** A server and a client that meet in this process: the same protocol, without sockets. */
export interface MemoryNetwork {
  readonly serve: Serve;
  readonly connect: Connect;
}

interface Listener {
  receive(route: string, frames: Frames): void;
  gone(route: string): void;
  /** How the listener reaches a route; taken away when it closes. */
  readonly routes: Map<string, MemoryLink>;
}

/** A network of its own: endpoints are any names, known only within it. */
export function memoryNetwork(): MemoryNetwork {
  const listeners = new Map<string, Listener>();
  return {
    serve: async <M extends Methods>(contract: Contract<M>, handlers: Handlers<M>, options: ServeOptions) =>
      listen(listeners, { contract, handlers, options }),
    connect: <M extends Methods>(contract: Contract<M>, options: ConnectOptions): Client<M> => {
      const link: MemoryLink = new MemoryLink(listeners, options, {
        receive: (frames) => caller.receive(frames),
        fail: (error) => caller.fail(error),
      });
      const caller = new Caller(contract, options.endpoint, link);
      return caller;
    },
  };
}

interface Serving<M extends Methods> {
  readonly contract: Contract<M>;
  readonly handlers: Handlers<M>;
  readonly options: ServeOptions;
}

function listen<M extends Methods>(listeners: Map<string, Listener>, serving: Serving<M>): Server {
  const { contract, handlers, options } = serving;
  const { endpoint } = options;
  if (listeners.has(endpoint)) throw new RpcError("AlreadyExists", `${endpoint}: another server listens there`);
  const routes = new Map<string, MemoryLink>();
  const dispatcher = new Dispatcher({
    contract,
    handlers,
    post: (route, frames) => routes.get(route)?.deliver(frames),
    onError: options.onError ?? (() => undefined),
  });
  const listener: Listener = {
    routes,
    receive: (route, frames) => dispatcher.receive(route, frames),
    gone: (route) => dispatcher.gone(route),
  };
  listeners.set(endpoint, listener);
  const close = async (deadlineMs: number) => {
    listeners.delete(endpoint);
    await dispatcher.close(deadlineMs);
    for (const link of routes.values()) link.lose();
    await new Promise((resolve) => setImmediate(resolve));
  };
  let closing: Promise<void> | undefined;
  return {
    endpoint,
    close(closeOptions = {}) {
      closing ??= close(closeOptions.deadlineMs ?? 5000);
      return closing;
    },
  };
}

interface LinkEvents {
  receive(frames: Frames): void;
  fail(error: RpcError): void;
}

let lastRoute = 0;

/** A client's connection; messages take a turn of the event loop each way, as they do through a socket. */
class MemoryLink implements Link {
  readonly #listeners: Map<string, Listener>;
  readonly #options: ConnectOptions;
  readonly #events: LinkEvents;
  readonly #route: string;
  #listener: Listener | undefined;
  #closed = false;

  constructor(listeners: Map<string, Listener>, options: ConnectOptions, events: LinkEvents) {
    this.#listeners = listeners;
    this.#options = options;
    this.#events = events;
    lastRoute += 1;
    this.#route = String(lastRoute);
  }

  send(frames: Frames): void {
    if (this.#closed) return;
    setImmediate(() => {
      const listener = this.#find();
      if (listener !== undefined) listener.receive(this.#route, frames);
      else this.#events.fail(new RpcError("Unavailable", `cannot connect to ${this.#options.endpoint}`));
    });
  }

  /** Nothing waits here. */
  recall(): boolean {
    return false;
  }

  close(): void {
    this.#closed = true;
    const listener = this.#listener;
    setImmediate(() => {
      listener?.routes.delete(this.#route);
      listener?.gone(this.#route);
    });
  }

  /** A message from the server. */
  deliver(frames: Frames): void {
    setImmediate(() => {
      if (!this.#closed) this.#events.receive(frames);
    });
  }

  /** The server is gone; messages that it sent before are still delivered. */
  lose(): void {
    this.#listener = undefined;
    setImmediate(() => {
      if (this.#closed) return;
      this.#events.fail(new RpcError("Unavailable", `the connection to ${this.#options.endpoint} was lost`));
      this.#options.onDisconnect?.();
    });
  }

  #find(): Listener | undefined {
    if (this.#listener === undefined) {
      this.#listener = this.#listeners.get(this.#options.endpoint);
      this.#listener?.routes.set(this.#route, this);
    }
    return this.#listener;
  }
}
