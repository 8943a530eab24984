/** One operation at a time, in the order of their arrival. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** True while an operation runs or waits. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(operation).finally(() => {
      this.#waiting--;
    });
    this.#tail = result.catch(() => {});
    return result;
  }
}
