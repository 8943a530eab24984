import { RpcError } from "../contracts/errors.ts";

/** An event as it is published: numbered without gaps, from 1. */
export interface Sequenced {
  readonly sequence: number;
}

/**
 * The events that a component published, the last of them kept, and a live view for subscribers.
 * A subscriber reads at its own pace from what is kept, so that a slow one costs no memory; one that
 * falls behind the oldest kept event gets an error.
 */
export class EventLog<E extends Sequenced> {
  readonly #kept: E[] = [];
  readonly #capacity: number;
  readonly #waiting = new Set<() => void>();
  #start = 0;
  #next: number;
  #closed = false;

  /**
   * @param capacity events kept for replay
   * @param last sequence number of the last event that an earlier process published; 0 for none
   */
  constructor(capacity: number, last = 0) {
    if (!Number.isSafeInteger(capacity) || capacity < 1)
      throw new RangeError("capacity must be a whole number above 0");
    this.#capacity = capacity;
    this.#next = last + 1;
  }

  /** Number of the last published event; 0 before the first one. */
  get last(): number {
    return this.#next - 1;
  }

  /** Number of the oldest event that can still be read. */
  get oldest(): number {
    return this.#next - this.#kept.length;
  }

  /** Publishes an event under the next number. */
  append(event: Omit<E, "sequence">): E {
    // Omit loses the link between E and its parts; the whole is E again.
    const numbered = { ...event, sequence: this.#next } as unknown as E;
    if (this.#kept.length < this.#capacity) this.#kept.push(numbered);
    else {
      this.#kept[this.#start] = numbered;
      this.#start = (this.#start + 1) % this.#capacity;
    }
    this.#next += 1;
    this.#wake();
    return numbered;
  }

  /**
   * Events from a number on, first those that are kept, then new ones as they are published, until the signal or `close`.
   * @param from number of the first event; 0 for all that are kept; undefined for new events only
   * @throws RpcError FailedPrecondition naming the oldest kept event (also as `data.oldest`) when events
   *   in between are no longer there, at the start or when the reader has fallen behind; also when `from`
   *   is beyond the next event: the reader knows another publisher's numbers
   */
  subscribe(from: number | undefined, signal?: AbortSignal): AsyncGenerator<E, void, undefined> {
    return this.#read(from === 0 ? this.oldest : (from ?? this.#next), signal);
  }

  async *#read(first: number, signal: AbortSignal | undefined): AsyncGenerator<E, void, undefined> {
    let next = first;
    if (next > this.#next) throw this.#ahead(next);
    while (!signal?.aborted) {
      if (next < this.oldest) throw this.#gap(next);
      const event = this.#at(next);
      if (event !== undefined) {
        next += 1;
        yield event;
      } else if (this.#closed) return;
      else await this.#more(signal);
    }
  }

  /** Ends every subscription once it has read what is kept. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #at(sequence: number): E | undefined {
    if (sequence < this.oldest || sequence >= this.#next) return undefined;
    return this.#kept[(this.#start + sequence - this.oldest) % this.#kept.length];
  }

  #gap(from: number): RpcError {
    const message = `events from ${from} on are no longer kept: the oldest kept is ${this.oldest}`;
    return new RpcError("FailedPrecondition", message, { oldest: this.oldest, last: this.last });
  }

  #ahead(from: number): RpcError {
    const message = `events from ${from} on cannot follow: the last one published is ${this.last}`;
    return new RpcError("FailedPrecondition", message, { oldest: this.oldest, last: this.last });
  }

  #more(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
