import type { Progress } from "@gantry/ipc/contracts/supervisor";

/** How often the bytes of one layer are reported, at most. */
const everyMs = 100;

/**
 * Items of progress for a reader who may be slow: figures that he has not taken yet are replaced by newer ones,
 * so neither the work nor the memory waits for him.
 */
export class ProgressReporter {
  readonly #send: (item: Progress) => Promise<void>;
  readonly #queue: Progress[] = [];
  readonly #lastFigure = new Map<string, number>();
  #isSending = false;
  #done: Promise<void> = Promise.resolve();

  constructor(send: (item: Progress) => Promise<void>) {
    this.#send = send;
  }

  /** Reports a step. */
  step(status: string, id?: string): void {
    this.#push({ status, ...(id === undefined ? {} : { id }) });
  }

  /** Reports how far a step is; too frequent ones are left out. */
  figure(status: string, id: string, current: number, total: number): void {
    const key = `${id} ${status}`;
    const time = performance.now();
    if (current < total && time - (this.#lastFigure.get(key) ?? -everyMs) < everyMs) return;
    this.#lastFigure.set(key, time);
    const waiting = this.#queue.findIndex((item) => item.id === id && item.status === status);
    if (waiting >= 0) this.#queue[waiting] = { id, status, current, total };
    else this.#push({ id, status, current, total });
  }

  /** Resolves once all is sent. */
  async flush(): Promise<void> {
    await this.#done;
  }

  #push(item: Progress): void {
    this.#queue.push(item);
    if (this.#isSending) return;
    this.#isSending = true;
    this.#done = this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for (let item = this.#queue.shift(); item; item = this.#queue.shift()) await this.#send(item);
    } catch {
      this.#queue.length = 0; // the reader is gone; the work's own signal tells
    } finally {
      this.#isSending = false;
    }
  }
}

/** What Docker shows of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
