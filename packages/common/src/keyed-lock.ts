import { Mutex } from "./mutex.ts";

/** One mutex per key: operations on the same key run one at a time, in order of arrival; different keys do not wait. */
export class KeyedLock {
  readonly #locks = new Map<string, Mutex>();

  /** True while an operation on this key runs or waits. */
  busy(key: string): boolean {
    return this.#locks.has(key);
  }

  async run<T>(key: string, operation: () => Promise<T>): Promise<T> {
    const lock = this.#locks.get(key) ?? new Mutex();
    this.#locks.set(key, lock);
    try {
      return await lock.run(operation);
    } finally {
      if (!lock.busy && this.#locks.get(key) === lock) this.#locks.delete(key);
    }
  }
}
