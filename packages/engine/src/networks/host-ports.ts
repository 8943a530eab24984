/** Ports that are given where none is requested: the dynamic range of RFC 6335. */
const FIRST_FREE = 49153;
const LAST_FREE = 65535;

/** Which of the host's ports are allocated to containers of this engine. */
export class HostPorts {
  /** "tcp/8080" → addresses on which it is taken. */
  readonly #taken = new Map<string, Set<string>>();
  #nextFree = FIRST_FREE;

  /** Whether no container has the port on this address or an overlapping one (0.0.0.0 overlaps all). */
  isFree(protocol: string, address: string, port: number): boolean {
    const taken = this.#taken.get(`${protocol}/${port}`);
    if (!taken || taken.size === 0) return true;
    if (taken.has(address)) return false;
    const everywhere = address.includes(":") ? "::" : "0.0.0.0";
    const sameFamily = [...taken].filter((other) => other.includes(":") === address.includes(":"));
    return sameFamily.length === 0 || (address !== everywhere && !taken.has(everywhere));
  }

  take(protocol: string, address: string, port: number): void {
    const key = `${protocol}/${port}`;
    const taken = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, taken.add(address));
  }

  free(protocol: string, address: string, port: number): void {
    const key = `${protocol}/${port}`;
    const taken = this.#taken.get(key);
    taken?.delete(address);
    if (taken?.size === 0) this.#taken.delete(key);
  }

  /** The ports of a range in order; with 0 the dynamic ports, beginning after the last allocated port. */
  *candidates(range: { readonly first: number; readonly last: number }): Iterable<number> {
    if (range.first !== 0) {
      for (let port = range.first; port <= range.last; port++) yield port;
      return;
    }
    for (let step = FIRST_FREE; step <= LAST_FREE; step++) {
      const port = this.#nextFree;
      this.#nextFree = port === LAST_FREE ? FIRST_FREE : port + 1;
      yield port;
    }
  }
}
