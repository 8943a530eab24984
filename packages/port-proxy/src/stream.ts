import { type FdWatch, type NativeSys, POLLIN, POLLOUT, type SpliceHandle } from "@gantry/native-sys";
import type { Endpoint, ProxyOptions } from "./options.ts";
import { ipProtocol, type PortProxy } from "./protocol.ts";
import { warn } from "./warn.ts";

/** Connections taken per turn of the event loop, so that those already open get theirs. */
const acceptsPerTurn = 64;
/** How long to wait before taking more connections when this process has no descriptor left. */
const pauseMs = 50;

/**
 * Serves TCP (or SCTP): each connection to the listener gets one to the container, and the kernel moves the bytes
 * between the two. A container that refuses has its client closed.
 * @param listener listening, non-blocking; closed with the proxy
 */
export function serveStreams(native: NativeSys, listener: number, options: ProxyOptions): PortProxy {
  return new StreamProxy(native, listener, options);
}

class StreamProxy implements PortProxy {
  readonly #native: NativeSys;
  readonly #listener: number;
  readonly #watch: FdWatch;
  readonly #target: Endpoint;
  readonly #protocol: number;
  /** Closes each connection, in whichever state it is. */
  readonly #open = new Set<() => void>();
  #pause: NodeJS.Timeout | undefined;

  constructor(native: NativeSys, listener: number, options: ProxyOptions) {
    this.#native = native;
    this.#listener = listener;
    this.#target = options.container;
    this.#protocol = ipProtocol[options.protocol];
    this.#watch = native.watchFd(listener, POLLIN, () => this.#acceptSome());
  }

  close(): void {
    clearTimeout(this.#pause);
    this.#watch.close();
    this.#native.closeFd(this.#listener);
    for (const end of this.#open) end();
  }

  #acceptSome(): void {
    for (let count = 0; count < acceptsPerTurn; count++) {
      let client: number | null;
      try {
        client = this.#native.accept(this.#listener);
      } catch (error) {
        this.#acceptFailed(error);
        return;
      }
      if (client === null) return;
      this.#connect(client);
    }
  }

  /** Without a free descriptor the waiting connection stays readable; asking at once would only spin. */
  #acceptFailed(error: unknown): void {
    warn(`cannot accept: ${(error as Error).message}`);
    this.#watch.setEvents(0);
    this.#pause = setTimeout(() => this.#watch.setEvents(POLLIN), pauseMs);
  }

  #connect(client: number): void {
    const native = this.#native;
    let target: number;
    try {
      target = native.inetConnect(this.#protocol, this.#target.ip, this.#target.port);
    } catch (error) {
      this.#refuse(error, [client]);
      return;
    }
    const watch = native.watchFd(target, POLLOUT, () => {
      watch.close();
      this.#open.delete(end);
      const error = native.socketError(target);
      if (error) this.#refuse(error, [client, target]);
      else this.#join(client, target);
    });
    const end = () => {
      watch.close();
      native.closeFd(client);
      native.closeFd(target);
    };
    this.#open.add(end);
  }

  #join(client: number, target: number): void {
    let handle: SpliceHandle;
    const end = () => handle.close();
    try {
      handle = this.#native.spliceSockets(client, target, () => this.#open.delete(end));
      this.#open.add(end);
    } catch (error) {
      this.#refuse(error, [client, target]);
    }
  }

  #refuse(error: unknown, sockets: readonly number[]): void {
    warn(`cannot pass a connection on to ${this.#target.ip} port ${this.#target.port}: ${(error as Error).message}`);
    for (const fd of sockets) this.#native.closeFd(fd);
  }
}
