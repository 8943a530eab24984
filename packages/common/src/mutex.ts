/** Runs one operation at a time, in the order of their arrival. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True while an operation runs or waits. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Runs an operation after all earlier ones have settled; a failure reaches only its own caller. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#pending++;
    const result = this.#tail.then(operation).finally(() => {
      this.#pending--;
    });
    this.#tail = result.catch(() => {});
    return result;
  }
}
