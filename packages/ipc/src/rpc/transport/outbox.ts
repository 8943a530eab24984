import { RpcError } from "../../contracts/errors.ts";
import type { Frames } from "../wire/envelope.ts";

/** Messages that may wait for a connection. */
const maxMessages = 65_536;

interface Entry {
  readonly id: number;
  readonly frames: Frames;
}

/** Messages that wait for a connection, in order; each belongs to a call and can be taken back with it. */
export class Outbox {
  #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** @throws RpcError ResourceExhausted when too many wait */
  push(frames: Frames, id: number): void {
    if (this.#entries.length >= maxMessages) {
      throw new RpcError("ResourceExhausted", `${maxMessages} messages wait for the connection already`);
    }
    this.#entries.push({ id, frames });
  }

  /** Takes back the messages of a call; false when there were none. */
  remove(id: number): boolean {
    const before = this.#entries.length;
    if (before === 0) return false;
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    return this.#entries.length < before;
  }

  /** Empties the box. */
  take(): readonly Frames[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries.map((entry) => entry.frames);
  }
}
