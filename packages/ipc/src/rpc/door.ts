import { closeSync, openSync, readFileSync, renameSync } from "node:fs";

/** Part of the process's descriptors that clients cannot have, and the most that this is. */
const reservedPart = 1 / 4;
const mostReserved = 8192;
/** How often it is looked whether enough clients have gone. */
const againMs = 250;

/**
 * Keeps clients out while descriptors run short: libzmq aborts the process when it cannot accept a connection for want
 * of one (ipc_listener.cpp, EMFILE). The socket's file gets another name for that time, so that nobody finds it; what
 * is connected goes on, and who comes waits as for a server that is starting.
 */
export class Door {
  readonly #path: string;
  readonly #limit: number;
  readonly #reserve: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#limit = descriptorLimit();
    this.#reserve = reserveOf(this.#limit);
  }

  /** Where the socket is while clients are kept out. */
  get closedPath(): string {
    return `${this.#path}.full`;
  }

  /** A connection has come. */
  accepted(): void {
    if (this.#timer || !this.#isShort()) return;
    renameSync(this.#path, this.closedPath);
    this.#timer = setInterval(() => this.#look(), againMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#isShort()) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    renameSync(this.closedPath, this.#path);
  }

  /** The kernel gives the lowest number that is free: all below it are taken. */
  #isShort(): boolean {
    try {
      const lowest = openSync("/dev/null", "r");
      closeSync(lowest);
      return lowest >= this.#limit - this.#reserve;
    } catch {
      return true;
    }
  }
}

/** Connections that may wait to be accepted: those that wait when the door is closed still come in. */
export function safeBacklog(wanted: number): number {
  return Math.min(wanted, Math.floor(reserveOf(descriptorLimit()) / 2));
}

function reserveOf(limit: number): number {
  return Math.min(mostReserved, Math.floor(limit * reservedPart));
}

function descriptorLimit(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}
