import type { Dealer } from "zeromq";
import type { ConnectOptions } from "../types.ts";
import type { Frames } from "../wire/envelope.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import { dealerDefaults, tcpDefaults } from "./socket-defaults.ts";

/** Opens a connection by zeromq; its addon is loaded by the first one. */
export async function zeromqConnection(options: ConnectOptions, events: ConnectionEvents): Promise<Connection> {
  return new ZeromqConnection(await dealerSocket(options), events);
}

/** A connection by a DEALER socket. */
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
    // The monitor must exist before the connection, or its first event is missed.
    const over = this.#watch();
    const receiving = this.#receive();
    this.#socket.connect(endpoint);
    await Promise.race([over, receiving]);
    await this.#drain();
    return this.#opened;
  }

  send(frames: Frames): void {
    if (this.#closed) return;
    // Never waits (see socket-defaults); the monitor reports a connection that can no longer send.
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
   * release its own socket and descriptors. (Closed from this side, it would block ZeroMQ's thread.)
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

  /** Receives what the server sent before the connection ended: a reply may be among it. */
  async #drain(): Promise<void> {
    do {
      // Reading `readable` consumes the wake-up of the pending receive; a send restores it.
      this.send([]);
      await new Promise((resolve) => setImmediate(resolve));
    } while (!this.#closed && this.#socket.readable);
  }
}

/** Attempts to create a socket when its monitor's address is taken. */
const monitorAttempts = 50;

/** Creates the socket of a connection, with its monitor. */
async function dealerSocket(options: ConnectOptions): Promise<Dealer> {
  const { DealerSocket } = await import("./zeromq-sockets.ts");
  for (let attempt = 1; ; attempt++) {
    const socket = new DealerSocket(socketOptions(options));
    try {
      // The getter creates the monitor.
      void socket.events;
      return socket;
    } catch (error) {
      socket.close();
      // zeromq.js names a monitor by its address in memory, which a monitor that is still being closed may hold.
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
