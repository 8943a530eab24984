/** The right to run beside at most N - 1 others. */
export interface Permit {
  /** Resolves once the permit is held. */
  readonly acquired: Promise<void>;
  /** Releases the permit, also before it was acquired. A second call does nothing. */
  release(): void;
}

/** Limits how many pieces of work run at once; permits are granted in the order of the requests. */
export class Semaphore {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #held = 0;

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError(`a semaphore needs a limit of at least 1, not ${limit}`);
    this.#limit = limit;
  }

  /** True when the next request has to wait. */
  get isFull(): boolean {
    return this.#held >= this.#limit;
  }

  /** Requests a permit: its place in the queue is taken now, the permit is held when `acquired` resolves. */
  request(): Permit {
    const { promise, resolve } = Promise.withResolvers<void>();
    let state: "waiting" | "held" | "released" = "waiting";
    const grant = () => {
      state = "held";
      this.#held++;
      resolve();
    };
    if (this.isFull) this.#waiting.push(grant);
    else grant();
    return {
      acquired: promise,
      release: () => {
        if (state === "held") this.#release();
        else if (state === "waiting") this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        state = "released";
      },
    };
  }

  /** Runs work under a permit. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const permit = this.request();
    await permit.acquired;
    try {
      return await work();
    } finally {
      permit.release();
    }
  }

  #release(): void {
    this.#held--;
    this.#waiting.shift()?.();
  }
}
