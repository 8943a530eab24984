import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Quiet time after which memory is given back. */
const quietMs = 500;

type Collector = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/**
 * Gives memory back to the system once heavy work has ended: the garbage of a start, a pull or a load would
 * otherwise stay for as long as an idle daemon has no reason to collect it.
 */
export class IdleMemory {
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #collector: Collector | undefined;

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
    this.#timer = setTimeout(() => this.#release(), quietMs).unref();
  }

  #release(): void {
    if (this.#collector === undefined) {
      setFlagsFromString("--expose-gc");
      this.#collector = runInNewContext("gc") as Collector;
    }
    this.#collector({ type: "major", execution: "sync", flavor: "last-resort" });
  }
}
