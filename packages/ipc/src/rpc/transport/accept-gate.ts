import { closeSync, openSync, readFileSync, renameSync } from "node:fs";

/** Share of the process's descriptors that clients cannot take, and its maximum. */
const reservedShare = 1 / 4;
const maxReserved = 8192;
/** Interval of the check whether enough descriptors are free again. */
const recheckMs = 250;

/** Path of a server's socket while its gate is closed. */
export function closedGatePath(path: string): string {
  return `${path}.full`;
}

/**
 * Keeps new clients out while descriptors are short: libzmq aborts the process when it cannot accept a connection for
 * want of a descriptor (ipc_listener.cpp, EMFILE). Meanwhile the socket's file has another name: connected clients go
 * on, and new ones wait as for a server that is starting.
 */
export class AcceptGate {
  readonly #path: string;
  readonly #limit: number;
  readonly #reserve: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#limit = descriptorLimit();
    this.#reserve = reserveOf(this.#limit);
  }

  /** Path of the socket while the gate is closed. */
  get closedPath(): string {
    return closedGatePath(this.#path);
  }

  /** Called for every accepted connection: closes the gate when descriptors are short. */
  accepted(): void {
    if (this.#timer || !this.#isShort()) return;
    renameSync(this.#path, this.closedPath);
    this.#timer = setInterval(() => this.#reopenWhenFree(), recheckMs).unref();
  }

  /** Stops the check; the socket's file stays where it is. */
  close(): void {
    clearInterval(this.#timer);
  }

  #reopenWhenFree(): void {
    if (this.#isShort()) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    renameSync(this.closedPath, this.#path);
  }

  /** open(2) returns the lowest free number: all below it are taken. */
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

/** A backlog that the reserve can take in: connections that wait when the gate closes are still accepted. */
export function safeBacklog(wanted: number): number {
  return Math.min(wanted, Math.floor(reserveOf(descriptorLimit()) / 2));
}

function reserveOf(limit: number): number {
  return Math.min(maxReserved, Math.floor(limit * reservedShare));
}

function descriptorLimit(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}
