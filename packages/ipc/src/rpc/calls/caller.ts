import type {
  CallNames,
  Contract,
  InputOf,
  ItemOf,
  Methods,
  ReplyOf,
  RequestOf,
  StreamNames,
} from "../../contracts/define.ts";
import { RpcError } from "../../contracts/errors.ts";
import type { CallOptions, Client, OpenStream } from "../types.ts";
import { decodeError } from "../wire/check.ts";
import { decodeHeader, type Frames, kinds } from "../wire/envelope.ts";
import { OutgoingCall } from "./outgoing-call.ts";
import { Pending } from "./pending.ts";

const callTimeoutMs = 30_000;

/** Carries a client's frames. */
export interface Link {
  /** Sends a message of a call, or queues it until there is a connection. */
  send(frames: Frames, id: number): void;
  /** Removes the queued messages of a call; true if its first one was among them. */
  recall(id: number): boolean;
  close(): void;
}

/** The calling side of the protocol, over any transport. */
export class Caller<M extends Methods> implements Client<M> {
  readonly endpoint: string;
  readonly #contract: Contract<M>;
  readonly #link: Link;
  readonly #pending = new Pending();
  #closed = false;

  constructor(contract: Contract<M>, endpoint: string, link: Link) {
    this.#contract = contract;
    this.endpoint = endpoint;
    this.#link = link;
  }

  async call<K extends CallNames<M> & string>(
    method: K,
    request: RequestOf<M[K]>,
    options: CallOptions = {},
  ): Promise<ReplyOf<M[K]>> {
    const call = this.#begin(method, request, { timeoutMs: callTimeoutMs, ...options });
    // The reply was checked against the schema that the type was inferred from.
    return (await call.result) as ReplyOf<M[K]>;
  }

  open<K extends StreamNames<M> & string>(
    method: K,
    request: RequestOf<M[K]>,
    options: CallOptions = {},
  ): OpenStream<ItemOf<M[K]>, InputOf<M[K]>, ReplyOf<M[K]>> {
    const definition = this.#contract.methods[method];
    if (definition?.kind !== "stream") throw new TypeError(`${this.#contract.name}.${method} is not a stream`);
    const call = this.#begin(method, request, options);
    return call.stream(definition) as OpenStream<ItemOf<M[K]>, InputOf<M[K]>, ReplyOf<M[K]>>;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.fail(new RpcError("Cancelled", `the connection to ${this.endpoint} was closed`));
    this.#link.close();
  }

  /** Handles one message from the server. An unreadable one, or one for a call that has ended, is dropped. */
  receive(frames: Frames): void {
    let header: ReturnType<typeof decodeHeader>;
    try {
      header = decodeHeader(frames[0]);
    } catch {
      return;
    }
    const call = this.#pending.get(header.id);
    if (call === undefined) return;
    switch (header.kind) {
      case kinds.reply:
        call.reply(frames[1]);
        break;
      case kinds.error:
        call.fail(decodeError(frames[1]));
        break;
      case kinds.item:
        call.item(frames.slice(1));
        break;
      case kinds.end:
        call.end();
        break;
      case kinds.credit:
        call.credit(header.items, header.bytes);
    }
  }

  /** Fails all pending calls: the connection was lost, or never made. */
  fail(error: RpcError): void {
    this.#pending.failAll(error);
  }

  #begin(name: string, request: unknown, options: CallOptions): OutgoingCall {
    const method = this.#contract.methods[name];
    if (method === undefined) throw new TypeError(`the contract ${this.#contract.name} has no method ${name}`);
    const id = this.#pending.nextId();
    const call = new OutgoingCall({
      id,
      contract: `${this.#contract.name}/${this.#contract.version}`,
      methodName: name,
      method,
      timeoutMs: options.timeoutMs ?? 0,
      signal: options.signal,
      post: (frames) => this.#link.send(frames, id),
      recall: () => this.#link.recall(id),
      onClosed: () => this.#pending.remove(id),
    });
    if (this.#closed) {
      call.fail(new RpcError("Cancelled", `the connection to ${this.endpoint} was closed`));
      return call;
    }
    this.#pending.add(id, call);
    call.start(request, options.blobs);
    return call;
  }
}
