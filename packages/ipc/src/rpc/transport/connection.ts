import type { ConnectOptions } from "../types.ts";
import type { Frames } from "../wire/envelope.ts";

/** The events that a connection reports to its link. */
export interface ConnectionEvents {
  opened(): void;
  receive(frames: Frames): void;
}

/**
 * One attempt at a connection and, if it succeeds, the connection. It never connects a second time, so that no message
 * meant for one server reaches the next one.
 */
export interface Connection {
  /**
   * Connects. Resolves when the connection has ended, with true if it had been open; every message that arrived has
   * been received by then.
   */
  run(endpoint: string): Promise<boolean>;
  /** Never waits; a message that can no longer leave is lost with the connection. */
  send(frames: Frames): void;
  close(): void;
}

export type ConnectionMaker = (options: ConnectOptions, events: ConnectionEvents) => Promise<Connection>;
