/**
 * Wall-clock time with nanoseconds: the monotonic clock, set by the wall clock. Two stamps taken one after
 * the other never go back unless the machine's clock was set back.
 */
export class Clock {
  #offset = 0n;
  #second = -1n;
  #prefix = "";

  /** Now, as RFC 3339 text in UTC with nine digits of fraction. */
  now(): string {
    const nanoseconds = this.#nanoseconds();
    const second = nanoseconds / 1_000_000_000n;
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = new Date(Number(second) * 1000).toISOString().slice(0, 20);
    }
    return `${this.#prefix}${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}Z`;
  }

  #nanoseconds(): bigint {
    const monotonic = process.hrtime.bigint();
    const wall = BigInt(Date.now()) * 1_000_000n;
    const drift = monotonic + this.#offset - wall;
    // Date.now() has whole milliseconds: within two of them both clocks agree.
    if (drift < -1_000_000n || drift > 2_000_000n) this.#offset = wall - monotonic;
    return monotonic + this.#offset;
  }
}
