import { conflict } from "../../base/errors.ts";

/** Admits work that starts or creates objects, until the engine shuts down. */
export class Admission {
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws RpcError FailedPrecondition once it is closed */
  check(): void {
    if (this.#isClosed) throw conflict("daemon is shutting down");
  }

  /** Runs work that a shutdown waits for. @throws RpcError FailedPrecondition once it is closed */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    const running = work();
    const settled = running.then(
      () => {},
      () => {},
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return running;
  }

  /** Refuses new work, and resolves once the admitted work is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running);
  }
}
