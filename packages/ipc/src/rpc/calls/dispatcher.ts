import type { Contract, Methods } from "../../contracts/define.ts";
import { RpcError } from "../../contracts/errors.ts";
import type { Handlers } from "../types.ts";
import { encodeError } from "../wire/check.ts";
import {
  type CallHeader,
  decodeHeader,
  type Frames,
  type Header,
  HeaderError,
  kinds,
  plainHeader,
} from "../wire/envelope.ts";
import { type AnyHandler, IncomingCall } from "./incoming-call.ts";

/** Calls that one peer may have open at a time. */
const maxCallsPerPeer = 16_384;

export interface DispatcherOptions<M extends Methods> {
  readonly contract: Contract<M>;
  readonly handlers: Handlers<M>;
  /** Sends a message to a peer; a peer that is gone is reported by `gone`, not thrown. */
  readonly post: (route: string, frames: Frames) => void;
  readonly onError: (error: Error) => void;
}

/** The serving side of the protocol, over any transport: calls under way, their callers and their results. */
export class Dispatcher<M extends Methods> {
  readonly #options: DispatcherOptions<M>;
  readonly #peers = new Map<string, Map<number, IncomingCall>>();
  readonly #running = new Set<Promise<void>>();
  #closing = false;

  constructor(options: DispatcherOptions<M>) {
    this.#options = options;
  }

  /** Peers with open calls. */
  get routes(): readonly string[] {
    return [...this.#peers.keys()];
  }

  /** Handles one message. Never throws: a faulty message is answered with an error, or reported where no call can be named. */
  receive(route: string, frames: Frames): void {
    let id: number | undefined;
    try {
      const header = decodeHeader(frames[0]);
      id = header.id;
      this.#handle(route, header, frames);
    } catch (error) {
      this.#refuse(route, error instanceof HeaderError ? error.id : id, error);
    }
  }

  /** A peer disconnected: the signals of its handlers are aborted. */
  gone(route: string): void {
    const calls = this.#peers.get(route);
    if (calls === undefined) return;
    this.#peers.delete(route);
    for (const call of calls.values()) call.drop(new RpcError("Cancelled", "the caller is gone"));
  }

  /** Refuses new calls, waits for open ones until the deadline (ms), then ends those with Unavailable. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    const drained = async () => {
      while (this.#running.size > 0) await Promise.all(this.#running);
    };
    await Promise.race([drained(), deadline]);
    clearTimeout(timer);
    for (const calls of [...this.#peers.values()]) {
      for (const call of [...calls.values()]) call.fail(this.#closed());
    }
  }

  #handle(route: string, header: Header, frames: Frames): void {
    // Without a call it is a message that crossed the reply of its call.
    const call = this.#peers.get(route)?.get(header.id);
    switch (header.kind) {
      case kinds.call:
        this.#start(route, header, frames);
        break;
      case kinds.item:
        call?.item(frames.slice(1));
        break;
      case kinds.end:
        call?.end();
        break;
      case kinds.credit:
        call?.credit(header.items, header.bytes);
        break;
      case kinds.cancel:
        call?.drop(new RpcError("Cancelled", "the caller cancelled the call"));
        break;
      default:
        throw new RpcError("InvalidArgument", "a caller cannot send a reply or an error");
    }
  }

  #start(route: string, header: CallHeader, frames: Frames): void {
    const { contract, handlers, post } = this.#options;
    if (this.#closing) throw this.#closed();
    const served = `${contract.name}/${contract.version}`;
    if (header.contract !== "" && header.contract !== served) {
      throw new RpcError("FailedPrecondition", `this endpoint serves the contract ${served}, not ${header.contract}`);
    }
    const method = Object.hasOwn(contract.methods, header.method) ? contract.methods[header.method] : undefined;
    if (method === undefined) {
      throw new RpcError("Unimplemented", `the contract ${served} has no method ${JSON.stringify(header.method)}`);
    }
    const calls = this.#callsOf(route);
    if (calls.has(header.id)) throw new RpcError("InvalidArgument", `call id ${header.id} is in use`);
    if (calls.size >= maxCallsPerPeer) {
      throw new RpcError("ResourceExhausted", `a peer may have ${maxCallsPerPeer} calls open at a time`);
    }
    const call = new IncomingCall({
      header,
      method,
      name: `${contract.name}.${header.method}`,
      // Handlers<M> has a handler of the method's own type under each name.
      handler: handlers[header.method] as unknown as AnyHandler,
      post: (message) => post(route, message),
      onClosed: (closed) => this.#forget(route, header.id, closed),
      onError: (error) => this.#report(error),
    });
    calls.set(header.id, call);
    const settled = call.run(frames);
    this.#running.add(settled);
    settled.then(() => this.#running.delete(settled));
  }

  #callsOf(route: string): Map<number, IncomingCall> {
    const known = this.#peers.get(route);
    if (known !== undefined) return known;
    const calls = new Map<number, IncomingCall>();
    this.#peers.set(route, calls);
    return calls;
  }

  #forget(route: string, id: number, call: IncomingCall): void {
    const calls = this.#peers.get(route);
    if (calls?.get(id) !== call) return;
    calls.delete(id);
    if (calls.size === 0) this.#peers.delete(route);
  }

  #refuse(route: string, id: number | undefined, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof RpcError)) this.#report(error instanceof Error ? error : new Error(message));
    if (id === undefined || id === 0) return;
    const answer = error instanceof RpcError ? error : new RpcError("InvalidArgument", message);
    const call = this.#peers.get(route)?.get(id);
    if (call !== undefined) call.fail(answer);
    else this.#options.post(route, [plainHeader(kinds.error, id), encodeError(answer)]);
  }

  /** A callback that throws is its owner's failure and must not end the loop that receives. */
  #report(error: Error): void {
    queueMicrotask(() => this.#options.onError(error));
  }

  #closed(): RpcError {
    return new RpcError("Unavailable", `the ${this.#options.contract.name} server is closing`);
  }
}
