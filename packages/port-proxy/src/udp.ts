import { type FdWatch, MSG_DONTWAIT, type NativeSys, POLLERR, POLLIN } from "@gantry/native-sys";
import type { Endpoint } from "./options.ts";
import { ipProtocol, type PortProxy } from "./protocol.ts";

/** Datagrams moved per turn of the event loop, so that both directions get theirs. */
const datagramsPerTurn = 128;

interface Session {
  /** Connected to the container. */
  readonly socket: number;
  readonly watch: FdWatch;
  /** When a datagram last passed, either way: performance.now(). */
  lastUsed: number;
}

/**
 * Serves UDP: each client address gets a socket of its own to the container, so that replies find their way back;
 * they are sent from the very address the client had written to.
 * @param listener bound, non-blocking, with `reportDestination`; closed with the proxy
 * @param idleMs a session ends after so long without a datagram
 */
export function serveDatagrams(native: NativeSys, listener: number, target: Endpoint, idleMs: number): UdpProxy {
  return new UdpProxy(native, listener, target, idleMs);
}

class UdpProxy implements PortProxy {
  readonly #native: NativeSys;
  readonly #listener: number;
  readonly #target: Endpoint;
  readonly #watch: FdWatch;
  readonly #sweep: NodeJS.Timeout;
  readonly #sessions = new Map<string, Session>();
  /** The largest datagram there is; every one is passed on before the next is read. */
  readonly #buffer = Buffer.allocUnsafeSlow(65_536);

  constructor(native: NativeSys, listener: number, target: Endpoint, idleMs: number) {
    this.#native = native;
    this.#listener = listener;
    this.#target = target;
    this.#watch = native.watchFd(listener, POLLIN, () => this.#fromClients());
    this.#sweep = setInterval(() => this.#endIdle(idleMs), Math.max(10, idleMs / 9));
  }

  /** How many clients have a session. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#watch.close();
    this.#native.closeFd(this.#listener);
    for (const [flow, session] of this.#sessions) this.#end(flow, session);
  }

  #fromClients(): void {
    for (let count = 0; count < datagramsPerTurn; count++) {
      const datagram = attempt(() => this.#native.receiveDatagram(this.#listener, this.#buffer));
      if (!datagram) return;
      const session = this.#sessions.get(datagram.flow) ?? this.#begin(datagram.flow);
      if (!session) continue;
      session.lastUsed = performance.now();
      const data = this.#buffer.subarray(0, datagram.length);
      const send = () => this.#native.socketSend(session.socket, data, MSG_DONTWAIT);
      // The first try may only bring the refusal of an earlier datagram (ICMP), and then has sent nothing.
      if (attempt(send) === undefined) attempt(send);
    }
  }

  #begin(flow: string): Session | undefined {
    const socket = attempt(() => this.#native.inetConnect(ipProtocol.udp, this.#target.ip, this.#target.port));
    if (socket === undefined) return undefined; // no route or no descriptor left: the datagram is lost, as UDP may
    const watch = this.#native.watchFd(socket, POLLIN, (events) => {
      this.#fromContainer(session, flow);
      // A pending error stops the watch; it has been taken off the socket now, so there is no loop in going on.
      if (events & POLLERR) watch.setEvents(POLLIN);
    });
    const session: Session = { socket, watch, lastUsed: 0 };
    this.#sessions.set(flow, session);
    return session;
  }

  #fromContainer(session: Session, flow: string): void {
    for (let count = 0; count < datagramsPerTurn; count++) {
      // A refusal (ICMP) is taken off the socket by the failing call; the container may listen later.
      const datagram = attempt(() => this.#native.receiveDatagram(session.socket, this.#buffer));
      if (datagram === undefined) continue;
      if (datagram === null) return;
      session.lastUsed = performance.now();
      const data = this.#buffer.subarray(0, datagram.length);
      attempt(() => this.#native.replyDatagram(this.#listener, data, flow));
    }
  }

  #endIdle(idleMs: number): void {
    const since = performance.now() - idleMs;
    for (const [flow, session] of this.#sessions) {
      if (session.lastUsed < since) this.#end(flow, session);
    }
  }

  #end(flow: string, session: Session): void {
    this.#sessions.delete(flow);
    session.watch.close();
    this.#native.closeFd(session.socket);
  }
}

/** The result; undefined where the network refused, which UDP takes for a lost datagram. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
}
