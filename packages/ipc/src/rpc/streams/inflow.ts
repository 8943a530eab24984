import { RpcError } from "../../contracts/errors.ts";
import { itemBytes, streamWindow } from "../wire/credit.ts";
import type { Frames } from "../wire/envelope.ts";

interface Taker {
  readonly resolve: (item: Frames | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** The receiving end of one direction of a stream: keeps items until they are taken, and gives credit for those. */
export class Inflow {
  readonly #grant: (items: number, bytes: number) => void;
  readonly #items: Frames[] = [];
  readonly #takers: Taker[] = [];
  /** Credit that the sender has left, by the grants sent so far. */
  #leftItems: number = streamWindow.items;
  #leftBytes: number = streamWindow.bytes;
  /** Taken since the last grant. */
  #takenItems = 0;
  #takenBytes = 0;
  #finished = false;
  #discarding = false;
  #error: Error | undefined;

  /** @param grant sends new credit to the sender */
  constructor(grant: (items: number, bytes: number) => void) {
    this.#grant = grant;
  }

  /** Accepts an item. @throws RpcError when the sender had no credit for it, or has ended this direction */
  push(item: Frames): void {
    if (this.#finished) throw new RpcError("InvalidArgument", "an item came after the end of its direction");
    if (this.#leftItems <= 0 || this.#leftBytes <= 0) {
      throw new RpcError("ResourceExhausted", "an item came without credit for it");
    }
    const bytes = itemBytes(item);
    this.#leftItems -= 1;
    this.#leftBytes -= bytes;
    const taker = this.#takers.shift();
    if (taker !== undefined || this.#discarding) this.#returnCredit(bytes);
    if (taker !== undefined) taker.resolve(item);
    else if (!this.#discarding) this.#items.push(item);
  }

  /** The next item, or undefined after the last one; rejects with the stream's error once the items before it are taken. */
  take(): Promise<Frames | undefined> {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#returnCredit(itemBytes(item));
      return Promise.resolve(item);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#finished) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** No more items follow. */
  end(): void {
    if (this.#finished) return;
    this.#finished = true;
    for (const taker of this.#takers.splice(0)) taker.resolve(undefined);
  }

  /** The stream failed: the reader gets the error after the items that arrived. */
  fail(error: Error): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#error = error;
    for (const taker of this.#takers.splice(0)) taker.reject(error);
  }

  /** The reader left: further items are dropped, so that the sender is not blocked. */
  discard(): void {
    this.#discarding = true;
    for (const item of this.#items.splice(0)) this.#returnCredit(itemBytes(item));
  }

  /** Credit goes out in portions of half a window, so that it costs a fraction of a message per item. */
  #returnCredit(bytes: number): void {
    if (this.#finished) return;
    this.#takenItems += 1;
    this.#takenBytes += bytes;
    if (this.#takenItems * 2 < streamWindow.items && this.#takenBytes * 2 < streamWindow.bytes) return;
    const [items, taken] = [this.#takenItems, this.#takenBytes];
    this.#takenItems = 0;
    this.#takenBytes = 0;
    this.#leftItems += items;
    this.#leftBytes += taken;
    this.#grant(items, taken);
  }
}
