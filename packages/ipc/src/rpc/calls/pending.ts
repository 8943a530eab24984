import type { RpcError } from "../../contracts/errors.ts";
import type { Frames } from "../wire/envelope.ts";

/** A call that a client waits for. */
export interface PendingCall {
  reply(body: Uint8Array | undefined): void;
  fail(error: RpcError): void;
  item(item: Frames): void;
  end(): void;
  credit(items: number, bytes: number): void;
}

/** The calls of one client that are under way, by id. */
export class Pending {
  readonly #calls = new Map<number, PendingCall>();
  #lastId = 0;

  /** Ids count from 1 and are never used again. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(id: number, call: PendingCall): void {
    this.#calls.set(id, call);
  }

  get(id: number): PendingCall | undefined {
    return this.#calls.get(id);
  }

  remove(id: number): boolean {
    return this.#calls.delete(id);
  }

  failAll(error: RpcError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.fail(error);
  }
}
