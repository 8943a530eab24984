import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collector = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

let collector: Collector | undefined;

/** Runs a full garbage collection and returns the memory to the system; blocks for some 15 ms. */
export function collectGarbage(): void {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc");
    collector = runInNewContext("gc") as Collector;
  }
  collector({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** The same, but compiled code stays, so that the next request does not wait for its compilation. */
export function collectGarbageKeepingCode(): void {
  setFlagsFromString("--no-flush-bytecode");
  collectGarbage();
  setFlagsFromString("--flush-bytecode");
}

/** Quiet time after which memory is released. */
const quietMs = 500;

/**
 * Releases memory once heavy work has ended: the garbage of a start, a pull or a load would otherwise stay for as
 * long as an idle daemon has no reason to collect it.
 */
export class IdleMemory {
  #running = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Runs heavy work. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    clearTimeout(this.#timer);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.releaseSoon();
    }
  }

  /** Gives memory back after a while in which no heavy work began. */
  releaseSoon(): void {
    if (this.#running > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(collectGarbage, quietMs).unref();
  }
}
