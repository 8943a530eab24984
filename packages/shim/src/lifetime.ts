import type { Lease } from "./bootstrap.ts";

/** Decides when the shim ends: at a shutdown, or without a container once its supervisor has gone. */
export class Lifetime {
  readonly #ended = Promise.withResolvers<boolean>();
  #occupied = false;
  #leaseEnded = false;

  constructor(lease: Lease) {
    lease.onEnd(() => {
      this.#leaseEnded = true;
      this.#endIfUnused();
    });
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (!this.#occupied) this.end(true);
      });
    }
  }

  /** Resolves when the shim is to end; true when its directory is to be removed. */
  get ended(): Promise<boolean> {
    return this.#ended.promise;
  }

  get isOccupied(): boolean {
    return this.#occupied;
  }

  /** Records whether the shim has a container, or is creating one. */
  occupy(occupied: boolean): void {
    this.#occupied = occupied;
    this.#endIfUnused();
  }

  /** The shim has a container: it no longer depends on its supervisor. */
  forgetLease(): void {
    this.#leaseEnded = false;
  }

  end(clean: boolean): void {
    this.#ended.resolve(clean);
  }

  #endIfUnused(): void {
    if (this.#leaseEnded && !this.#occupied) this.end(true);
  }
}
