/** Work whose result nobody waits for: what may come after the reply. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #onError: (error: unknown, what: string) => void;

  /** @param onError told of a failure, with what was being done */
  constructor(onError: (error: unknown, what: string) => void) {
    this.#onError = onError;
  }

  /** @param what words for the work, such as "removing a container's snapshot" */
  add(what: string, work: Promise<unknown>): void {
    const running = work.then(
      () => {},
      (error: unknown) => this.#onError(error, what),
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  /** Resolves once all that was added by then is over. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }
}
