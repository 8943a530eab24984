import type { Dealer } from "zeromq";
import { RpcError } from "../contracts/errors.ts";
import type { Frames } from "./envelope.ts";
import { dealerDefaults, tcpDefaults } from "./socket-defaults.ts";
import type { ConnectOptions } from "./types.ts";

/** What a connection tells its link. */
export interface ConnectionEvents {
  opened(): void;
  receive(frames: Frames): void;
}

/**
 * One attempt at a connection and, if it succeeds, the connection. It never connects a second time, so that nothing
 * meant for one server can reach the next one.
 */
export interface Connection {
  /** Connects; resolves when it is over, with true when it had been open. All that arrived is received by then. */
  run(endpoint: string): Promise<boolean>;
  /** Never waits; what cannot leave any more is lost with the connection. */
  send(frames: Frames): void;
  close(): void;
}

export type ConnectionMaker = (options: ConnectOptions, events: ConnectionEvents) => Promise<Connection>;

/**
 * A connection as this engine makes them: by zeromq's DEALER socket where its addon can be loaded.
 * @throws RpcError Unimplemented for tcp where that is not so
 */
export async function newConnection(options: ConnectOptions, events: ConnectionEvents): Promise<Connection> {
  if (!process.versions["bun"]) return new ZeromqConnection(await dealerSocket(options), events);
  if (!options.endpoint.startsWith("ipc:"))
    throw new RpcError("Unimplemented", `${options.endpoint}: this program reaches ipc endpoints only`);
  const { ZmtpConnection } = await import("./zmtp.ts");
  return new ZmtpConnection(events);
}

/** A DEALER socket of zeromq's. */
class ZeromqConnection implements Connection {
  readonly #socket: Dealer;
  readonly #events: ConnectionEvents;
  #opened = false;
  #closed = false;

  constructor(socket: Dealer, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  async run(endpoint: string): Promise<boolean> {
    // The monitor must be there before the connection, or its first event is missed.
    const over = this.#watch();
    const receiving = this.#receive();
    this.#socket.connect(endpoint);
    await Promise.race([over, receiving]);
    await this.#drain();
    return this.#opened;
  }

  send(frames: Frames): void {
    if (this.#closed) return;
    // Never waits (see socket-defaults); what cannot leave any more is reported by the monitor.
    this.#socket.send(frames as Uint8Array[]).catch(() => undefined);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    while (!this.#closed) {
      let frames: Frames;
      try {
        frames = await this.#socket.receive();
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      this.#events.receive(frames);
    }
  }

  /** Resolves when the connection is refused or lost. */
  #watch(): Promise<void> {
    return new Promise((resolve, reject) => this.#listen(resolve).catch(reject));
  }

  /**
   * Reads the monitor's events to the last one, which comes after the socket was closed: only then does the monitor
   * give back its own socket and descriptors. (Closed from this side, it would hold up ZeroMQ's thread.)
   */
  async #listen(over: () => void): Promise<void> {
    const monitor = this.#socket.events;
    for (;;) {
      const event = await monitor.receive();
      switch (event?.type) {
        case "handshake":
          if (this.#closed) break;
          this.#opened = true;
          this.#events.opened();
          break;
        case "disconnect":
        case "connect:retry":
          over();
          break;
        case undefined:
        case "end":
          over();
          return;
      }
    }
  }

  /** What the server said before it went is still to be read: a reply may be among it. */
  async #drain(): Promise<void> {
    do {
      // Asking whether there is something to read takes the wake-up away from the pending receive; a send gives it back.
      this.send([]);
      await new Promise((resolve) => setImmediate(resolve));
    } while (!this.#closed && this.#socket.readable);
  }
}

/** How often a socket is made anew when its monitor's address is taken. */
const monitorAttempts = 50;

/** Makes the socket of a connection, with its monitor. */
async function dealerSocket(options: ConnectOptions): Promise<Dealer> {
  const { DealerSocket } = await import("./zeromq.ts");
  for (let attempt = 1; ; attempt++) {
    const socket = new DealerSocket(socketOptions(options));
    try {
      // Asking for the events makes the monitor.
      void socket.events;
      return socket;
    } catch (error) {
      socket.close();
      // zeromq.js names a monitor by its place in memory, which may be that of one that is still being closed.
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === monitorAttempts) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function socketOptions({ curve, endpoint }: ConnectOptions) {
  return {
    ...dealerDefaults,
    ...(endpoint.startsWith("tcp:") ? { ...tcpDefaults, ipv6: endpoint.includes("[") } : {}),
    ...(curve && { curveServerKey: curve.serverKey, curvePublicKey: curve.publicKey, curveSecretKey: curve.secretKey }),
  };
}
