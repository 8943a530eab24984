/** What running operations need, before anything in the metadata says so. */
export class Leases {
  readonly #held = new Set<Lease>();

  hold(): Lease {
    const lease = new Lease(() => this.#held.delete(lease));
    this.#held.add(lease);
    return lease;
  }

  /** Digests and chain ids under lease. */
  ids(): string[] {
    return [...this.#held].flatMap((lease) => [...lease.ids]);
  }
}

/** Keeps digests and chain ids from being collected until it is disposed of. */
export class Lease implements Disposable {
  readonly ids = new Set<string>();
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  add(...ids: readonly string[]): void {
    for (const id of ids) this.ids.add(id);
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
