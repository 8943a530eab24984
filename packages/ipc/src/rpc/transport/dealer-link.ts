import { RpcError } from "../../contracts/errors.ts";
import type { Link } from "../calls/caller.ts";
import type { ConnectOptions } from "../types.ts";
import type { Frames } from "../wire/envelope.ts";
import type { Connection, ConnectionMaker } from "./connection.ts";
import { Outbox } from "./outbox.ts";
import { reconnect } from "./socket-defaults.ts";

const connectTimeoutMs = 5000;

/** The events that a link reports to its caller. */
export interface LinkEvents {
  receive(frames: Frames): void;
  fail(error: RpcError): void;
}

/** A client's line to its server: one connection after the other, and the messages that wait for the next one. */
export class DealerLink implements Link {
  readonly #options: ConnectOptions;
  readonly #makeConnection: ConnectionMaker;
  readonly #outbox = new Outbox();
  readonly #events: LinkEvents;
  #connection: Connection | undefined;
  #open = false;
  #closed = false;
  /** Runs while messages wait for a connection. */
  #patience: NodeJS.Timeout | undefined;
  /** Ends the pause between two attempts. */
  #resume: (() => void) | undefined;

  constructor(options: ConnectOptions, makeConnection: ConnectionMaker, events: LinkEvents) {
    this.#options = options;
    this.#makeConnection = makeConnection;
    this.#events = events;
    this.#run().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.#giveUp(`the connection to ${options.endpoint} failed: ${reason}`);
    });
  }

  send(frames: Frames, id: number): void {
    if (this.#closed) return;
    if (this.#open) this.#connection?.send(frames);
    else {
      this.#outbox.push(frames, id);
      this.#wait();
    }
  }

  recall(id: number): boolean {
    return this.#outbox.remove(id);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.#connection?.close();
    this.#resume?.();
  }

  async #run(): Promise<void> {
    let pause: number = reconnect.first;
    while (!this.#closed) {
      const wasOpen = await this.#connect();
      if (this.#closed) return;
      if (wasOpen) {
        pause = reconnect.first;
        this.#giveUp(`the connection to ${this.#options.endpoint} was lost`);
        // A callback that throws is its owner's failure, not the end of this loop.
        if (this.#options.onDisconnect) queueMicrotask(this.#options.onDisconnect);
      } else if (this.#options.connectTimeoutMs === 0 && this.#outbox.size > 0) {
        this.#giveUp(`cannot connect to ${this.#options.endpoint}: nothing answers there`);
      }
      await this.#pause(pause);
      pause = Math.min(pause * 2, reconnect.last);
    }
  }

  /** One connection from its attempt to its end; true when it had been open. */
  async #connect(): Promise<boolean> {
    const connection = await this.#makeConnection(this.#options, {
      opened: () => this.#opened(),
      receive: (frames) => this.#events.receive(frames),
    });
    this.#connection = connection;
    try {
      return this.#closed ? false : await connection.run(this.#options.endpoint);
    } finally {
      this.#open = false;
      connection.close();
    }
  }

  #opened(): void {
    this.#open = true;
    this.#stopWaiting();
    for (const frames of this.#outbox.take()) this.#connection?.send(frames);
  }

  #giveUp(message: string): void {
    this.#stopWaiting();
    this.#outbox.take();
    this.#events.fail(new RpcError("Unavailable", message));
  }

  #wait(): void {
    const timeout = this.#options.connectTimeoutMs ?? connectTimeoutMs;
    if (this.#patience !== undefined || timeout === 0) return;
    this.#patience = setTimeout(() => {
      this.#giveUp(`cannot connect to ${this.#options.endpoint} within ${timeout} ms`);
    }, timeout);
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
