/** One operation at a time per key, in the order in which they came; other keys do not wait. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs a function once all earlier ones of the same key have ended. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const result = before === undefined ? work() : before.then(work, work);
    const tail = result.catch(() => {});
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
