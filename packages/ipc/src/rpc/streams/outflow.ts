import { RpcError } from "../../contracts/errors.ts";
import { itemBytes, streamWindow } from "../wire/credit.ts";
import type { Frames } from "../wire/envelope.ts";

/** Items that may wait here for credit when a sender does not await `send`. */
const maxWaiting = 1024;

const done = Promise.resolve();

/** A rejection that a sender may ignore: it must not crash the process as unhandled when a stream is lost. */
export function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}

interface Gate {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The sending end of one direction of a stream: sends while there is credit, keeps the rest in order. */
export class Outflow {
  readonly #post: (item: Frames) => void;
  readonly #waiting: Frames[] = [];
  #items: number = streamWindow.items;
  #bytes: number = streamWindow.bytes;
  #gate: Gate | undefined;
  #error: Error | undefined;
  #atEnd: (() => void) | undefined;
  #ended = false;

  /** @param post puts one item (body and blobs) on its way */
  constructor(post: (item: Frames) => void) {
    this.#post = post;
  }

  /** Sends or queues one item; resolves when there is room for the next one. */
  send(item: Frames): Promise<void> {
    if (this.#error !== undefined) return rejected(this.#error);
    if (this.#ended) return rejected(new RpcError("FailedPrecondition", "this direction of the stream has ended"));
    if (this.#waiting.length >= maxWaiting) {
      const message = `${maxWaiting} items wait for the reader; await send() before sending more`;
      return rejected(new RpcError("ResourceExhausted", message));
    }
    this.#waiting.push(item);
    this.#flush();
    return this.#open() ? done : this.#wait();
  }

  /** Adds credit that the reader granted. */
  credit(items: number, bytes: number): void {
    this.#items += items;
    this.#bytes += bytes;
    this.#flush();
    if (!this.#open()) return;
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** No more items; `then` runs once the queued items have been sent. */
  end(then: () => void): void {
    if (this.#ended || this.#error !== undefined) return;
    this.#ended = true;
    this.#atEnd = then;
    this.#flush();
  }

  /** The stream has failed: waiting items are dropped, and senders get the error. */
  fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#waiting.length = 0;
    this.#atEnd = undefined;
    this.#gate?.reject(error);
    this.#gate = undefined;
  }

  #open(): boolean {
    return this.#items > 0 && this.#bytes > 0;
  }

  #flush(): void {
    while (this.#open()) {
      const item = this.#waiting.shift();
      if (item === undefined) break;
      this.#items -= 1;
      this.#bytes -= itemBytes(item);
      this.#post(item);
    }
    if (this.#waiting.length > 0) return;
    const atEnd = this.#atEnd;
    this.#atEnd = undefined;
    atEnd?.();
  }

  #wait(): Promise<void> {
    if (this.#gate === undefined) {
      this.#gate = Promise.withResolvers<void>();
      // As with `rejected`.
      this.#gate.promise.catch(() => undefined);
    }
    return this.#gate.promise;
  }
}
