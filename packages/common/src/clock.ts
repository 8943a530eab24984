import { formatTimestamp } from "./timestamp.ts";

/** How far the monotonic clock may seem ahead of or behind the wall clock, whose readings are whole milliseconds. */
const aheadNs = 2_000_000n;
const behindNs = 1_000_000n;

/**
 * Wall-clock time with nanoseconds: the monotonic clock, set by the wall clock. Two readings never go backwards
 * unless the machine's clock was set back.
 */
export class Clock {
  #offset = 0n;
  #second = -1n;
  #prefix = "";

  /** Nanoseconds since 1970; follows steps of the machine's clock. */
  nowNs(): bigint {
    const monotonic = process.hrtime.bigint();
    const wall = BigInt(Date.now()) * 1_000_000n;
    const drift = monotonic + this.#offset - wall;
    if (drift < -behindNs || drift > aheadNs) this.#offset = wall - monotonic;
    return monotonic + this.#offset;
  }

  /** RFC 3339 in UTC with nine digits of fraction. The text up to the second is kept: a log asks for each line. */
  now(): string {
    const ns = this.nowNs();
    const second = ns / 1_000_000_000n;
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = formatTimestamp(second * 1_000_000_000n).slice(0, 20);
    }
    return `${this.#prefix}${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;
  }
}
