import type { Method, StreamMethod } from "../../contracts/define.ts";
import { RpcError } from "../../contracts/errors.ts";
import { Inflow } from "../streams/inflow.ts";
import { Outflow } from "../streams/outflow.ts";
import { readItems, sendItem, withRaw } from "../streams/stream.ts";
import type { CallOptions, OpenStream } from "../types.ts";
import { asRpcError, checkBody } from "../wire/check.ts";
import { encode } from "../wire/codec.ts";
import { checkFrames } from "../wire/credit.ts";
import { encodeCall, encodeCredit, type Frames, kinds, plainHeader } from "../wire/envelope.ts";
import type { PendingCall } from "./pending.ts";

export interface OutgoingCallOptions {
  readonly id: number;
  readonly contract: string;
  readonly methodName: string;
  readonly method: Method;
  /** 0 for no deadline. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Sends a message of this call, or queues it until there is a connection. */
  readonly post: (frames: Frames) => void;
  /** Removes the call's queued messages; true when none of them had been sent. */
  readonly recall: () => boolean;
  /** The call is over: late messages for it are not wanted. */
  readonly onClosed: () => void;
}

/** One call that a client has made: its promise, its deadline and, for a stream, both directions. */
export class OutgoingCall implements PendingCall {
  readonly #options: OutgoingCallOptions;
  readonly #result = Promise.withResolvers<unknown>();
  readonly #inflow: Inflow;
  readonly #outflow: Outflow;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: OutgoingCallOptions) {
    this.#options = options;
    const itemHeader = plainHeader(kinds.item, options.id);
    this.#outflow = new Outflow((item) => options.post([itemHeader, ...item]));
    this.#inflow = new Inflow((items, bytes) => options.post([encodeCredit(options.id, items, bytes)]));
  }

  /** The reply, checked. */
  get result(): Promise<unknown> {
    return this.#result.promise;
  }

  /** Sends the request and starts the clock. */
  start(request: unknown, blobs: CallOptions["blobs"] = []): void {
    const { timeoutMs, signal } = this.#options;
    if (signal?.aborted) {
      this.fail(this.#cancelled());
      return;
    }
    try {
      const frames = [this.#header(), encode(request), ...blobs];
      checkFrames(frames);
      this.#options.post(frames);
    } catch (error) {
      this.fail(unsendable(error, this.#name()));
      return;
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.#expire(), Math.min(timeoutMs, 0x7fffffff));
  }

  /** The caller's view of a stream. */
  stream(method: StreamMethod): OpenStream<unknown, unknown, unknown> {
    // The iteration reports errors too: a caller may ignore the result.
    this.#result.promise.catch(() => undefined);
    const { post, id } = this.#options;
    const stream: OpenStream<unknown, unknown, unknown> = {
      items: readItems({
        inflow: this.#inflow,
        schema: method.item,
        what: `${this.#name()} item`,
        onInvalid: (error) => this.#abandon(asRpcError(error)),
        onLeave: () => this.#abandon(this.#cancelled()),
      }),
      send: (input, ...blobs) => sendItem(this.#outflow, input, blobs),
      end: () => this.#outflow.end(() => post([plainHeader(kinds.end, id)])),
      result: this.#result.promise,
      cancel: () => this.#abandon(this.#cancelled()),
    };
    return withRaw(stream, { inflow: this.#inflow, outflow: this.#outflow });
  }

  reply(body: Uint8Array | undefined): void {
    try {
      const value = checkBody(this.#options.method.reply, body, `${this.#name()} reply`);
      if (!this.#close(new RpcError("FailedPrecondition", "the stream has ended"))) return;
      this.#inflow.end();
      this.#result.resolve(value);
    } catch (error) {
      const { message, data } = asRpcError(error);
      this.fail(new RpcError("Internal", `the server's answer fails its check: ${message}`, data));
    }
  }

  fail(error: RpcError): void {
    if (!this.#close(error)) return;
    this.#inflow.fail(error);
    this.#result.reject(error);
  }

  /** A server that breaks the rules of credit is not listened to any longer. */
  item(item: Frames): void {
    try {
      this.#inflow.push(item);
    } catch (error) {
      this.#abandon(asRpcError(error));
    }
  }

  end(): void {
    this.#inflow.end();
  }

  credit(items: number, bytes: number): void {
    this.#outflow.credit(items, bytes);
  }

  readonly #onAbort = () => this.#abandon(this.#cancelled());

  /** Fails the call here and sends a cancel, unless the call never reached the server. */
  #abandon(error: RpcError): void {
    if (this.#closed) return;
    this.fail(error);
    if (!this.#options.recall()) this.#options.post([plainHeader(kinds.cancel, this.#options.id)]);
  }

  #expire(): void {
    const message = `${this.#name()} was not answered within ${this.#options.timeoutMs} ms`;
    this.#abandon(new RpcError("DeadlineExceeded", message));
  }

  #cancelled(): RpcError {
    return new RpcError("Cancelled", `${this.#name()} was cancelled`);
  }

  #header(): Uint8Array {
    const { id, contract, methodName, timeoutMs } = this.#options;
    return encodeCall({ id, method: methodName, timeoutMs, contract });
  }

  #name(): string {
    return `${this.#options.contract.split("/")[0]}.${this.#options.methodName}`;
  }

  /** False when the call was over already. */
  #close(reason: RpcError): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#outflow.fail(reason);
    this.#options.onClosed();
    return true;
  }
}

/** A full outbox keeps its meaning; anything else is a value that cannot be encoded. */
function unsendable(error: unknown, name: string): RpcError {
  if (error instanceof RpcError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new RpcError("InvalidArgument", `${name}: the request cannot be sent: ${reason}`);
}
