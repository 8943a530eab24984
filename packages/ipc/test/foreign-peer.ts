import { pack, unpack } from "msgpackr";
import { Dealer } from "zeromq";

/**
 * A client written from docs/protocol.md alone: plain ZeroMQ and MessagePack, none of our code.
 * Good for any contract; it checks nothing but the protocol.
 */

const kind = { call: 1, reply: 2, error: 3, item: 4, end: 5, cancel: 6, credit: 7 } as const;

export interface ForeignError {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
}

export interface ForeignAnswer {
  readonly reply?: unknown;
  readonly error?: ForeignError;
  /** Items that came before the answer. */
  readonly items: { readonly value: unknown; readonly blobs: readonly Buffer[] }[];
}

interface Open {
  readonly answer: { items: ForeignAnswer["items"]; reply?: unknown; error?: ForeignError };
  readonly done: (answer: ForeignAnswer) => void;
}

export class ForeignPeer {
  readonly #socket = new Dealer({ linger: 0 });
  readonly #open = new Map<number, Open>();
  #sending: Promise<void> = Promise.resolve();
  #lastId = 0;

  constructor(endpoint: string) {
    this.#socket.connect(endpoint);
    this.#receive().catch(() => undefined);
  }

  /** Calls a method, unary or streaming; items are collected, and credit is given for each. */
  call(method: string, request: unknown, blobs: readonly Uint8Array[] = []): Promise<ForeignAnswer> {
    return this.open(method, request, blobs).answer;
  }

  /** Opens a stream that takes input. */
  open(method: string, request: unknown, blobs: readonly Uint8Array[] = []) {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<ForeignAnswer>((done) => this.#open.set(id, { answer: { items: [] }, done }));
    this.send([pack([1, kind.call, id, method, 0]), pack(request), ...blobs]);
    return {
      answer,
      send: (item: unknown, ...itemBlobs: Uint8Array[]) =>
        this.send([pack([1, kind.item, id]), pack(item), ...itemBlobs]),
      end: () => this.send([pack([1, kind.end, id])]),
      cancel: () => this.send([pack([1, kind.cancel, id])]),
    };
  }

  /** Sends any frames. */
  send(frames: Uint8Array[]): Promise<void> {
    this.#sending = this.#sending.then(() => this.#socket.send(frames));
    return this.#sending;
  }

  close(): void {
    this.#socket.close();
  }

  async #receive(): Promise<void> {
    for await (const [header, body, ...blobs] of this.#socket) {
      const [version, what, id] = unpack(header as Buffer) as [number, number, number];
      const call = this.#open.get(id);
      // Credit for call 0 is the server asking whether we live.
      if (version !== 1 || call === undefined) continue;
      const value: unknown = body && body.length > 0 ? unpack(body) : {};
      if (what === kind.item) {
        call.answer.items.push({ value, blobs });
        const bytes = (body?.length ?? 0) + blobs.reduce((sum, blob) => sum + blob.length, 0);
        this.send([pack([1, kind.credit, id, 1, bytes])]);
      } else if (what === kind.reply || what === kind.error) {
        if (what === kind.reply) call.answer.reply = value;
        else call.answer.error = value as ForeignError;
        this.#open.delete(id);
        call.done(call.answer);
      }
    }
  }
}
