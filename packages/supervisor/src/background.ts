import { rm } from "node:fs/promises";

/** Work that nobody waits for, one piece after the other. */
export class Background {
  readonly #onError: (error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(work: () => Promise<void> | void): void {
    this.#tail = this.#tail.then(work).catch(this.#onError);
  }

  /** Removes a file or a whole directory. */
  remove(path: string): void {
    this.add(() => rm(path, { recursive: true, force: true }));
  }

  /** Resolves once all that was added so far is done. */
  settled(): Promise<void> {
    return this.#tail;
  }
}
