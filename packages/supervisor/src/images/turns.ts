/** A turn at something that only a few may do at a time. */
export interface Turn {
  readonly begun: Promise<void>;
  end(): void;
}

/** Hands out turns in the order in which they are asked for. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** True when the next one has to wait. */
  get isBusy(): boolean {
    return this.#running >= this.#most;
  }

  take(): Turn {
    const mustWait = this.isBusy;
    const begun = mustWait ? new Promise<void>((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
    if (!mustWait) this.#running += 1;
    return { begun, end: () => this.#end() };
  }

  #end(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
