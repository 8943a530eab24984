import { firstFailure } from "@gantry/common/error-message";
import type { Method } from "../../contracts/define.ts";
import { RpcError } from "../../contracts/errors.ts";
import { Inflow } from "../streams/inflow.ts";
import { Outflow } from "../streams/outflow.ts";
import { readItems, sendItem, withRaw } from "../streams/stream.ts";
import type { CallContext, StreamContext } from "../types.ts";
import { asRpcError, checkBody, encodeError } from "../wire/check.ts";
import { encode } from "../wire/codec.ts";
import { checkFrames } from "../wire/credit.ts";
import { type CallHeader, encodeCredit, type Frames, kinds, plainHeader } from "../wire/envelope.ts";

/** A handler as the dispatcher sees it: types were checked where the server was made. */
export type AnyHandler = (request: unknown, context: CallContext) => Promise<unknown>;

export interface IncomingCallOptions {
  readonly header: CallHeader;
  /** Contract and method, for errors: "shim.create". */
  readonly name: string;
  readonly method: Method;
  readonly handler: AnyHandler;
  readonly post: (frames: Frames) => void;
  /** Called when the call takes no further messages. */
  readonly onClosed: (call: IncomingCall) => void;
  /** Called with a failure that is not an RpcError. */
  readonly onError: (error: Error) => void;
}

/** One call that a server is answering. */
export class IncomingCall {
  readonly #options: IncomingCallOptions;
  readonly #abort = new AbortController();
  readonly #inflow: Inflow;
  readonly #outflow: Outflow;
  readonly #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #returned = false;

  constructor(options: IncomingCallOptions) {
    this.#options = options;
    const { id, timeoutMs } = options.header;
    const itemHeader = plainHeader(kinds.item, id);
    this.#outflow = new Outflow((item) => options.post([itemHeader, ...item]));
    this.#inflow = new Inflow((items, bytes) => options.post([encodeCredit(id, items, bytes)]));
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.#expire(), Math.min(timeoutMs, 0x7fffffff));
  }

  /**
   * Runs the handler; resolves when it has returned, with any outcome. Never rejects.
   * @param frames header, request, blobs
   */
  async run(frames: Frames): Promise<void> {
    const { method, handler, name } = this.#options;
    try {
      const request = checkBody(method.request, frames[1], name);
      const value = await handler(request, this.#context(frames.slice(2)));
      this.#returned = true;
      if (this.#closed) return;
      const body = encode(value ?? {});
      checkFrames([body]);
      this.#outflow.end(() => this.#reply(body));
    } catch (thrown) {
      const error = firstFailure(thrown);
      this.#returned = true;
      if (this.#closed) return;
      if (!(error instanceof RpcError)) this.#options.onError(asError(error));
      this.fail(asRpcError(error));
    }
  }

  /** Takes in an item or the end of the caller's direction, or credit. @throws RpcError for a breach of the rules */
  item(item: Frames): void {
    if (this.#options.method.kind !== "stream") {
      throw new RpcError("InvalidArgument", `${this.#options.name} is not a stream: it takes no items`);
    }
    this.#inflow.push(item);
  }

  end(): void {
    this.#inflow.end();
  }

  credit(items: number, bytes: number): void {
    this.#outflow.credit(items, bytes);
  }

  /** The caller cancelled or disconnected: aborts the handler's signal; its further messages are dropped. */
  drop(reason: RpcError): void {
    this.#close(reason);
  }

  /** Answers with an error now and aborts the handler's signal. */
  fail(error: RpcError): void {
    if (this.#closed) return;
    this.#close(error);
    this.#options.post([plainHeader(kinds.error, this.#options.header.id), encodeError(error)]);
  }

  #context(blobs: Frames): CallContext {
    const { method, name } = this.#options;
    const signal = this.#abort.signal;
    if (method.kind === "call") return { signal, blobs };
    const context: StreamContext<unknown, unknown> = {
      signal,
      blobs,
      send: (item, ...itemBlobs) => sendItem(this.#outflow, item, itemBlobs),
      input: readItems({
        inflow: this.#inflow,
        schema: method.input,
        what: `${name} input`,
        onInvalid: (error) => this.fail(asRpcError(error)),
        onLeave: () => undefined,
      }),
    };
    return withRaw(context, { inflow: this.#inflow, outflow: this.#outflow });
  }

  #reply(body: Uint8Array): void {
    if (this.#closed) return;
    this.#options.post([plainHeader(kinds.reply, this.#options.header.id), body]);
    this.#close(new RpcError("Cancelled", "the call has been answered"));
  }

  #expire(): void {
    const { name, header } = this.#options;
    this.fail(new RpcError("DeadlineExceeded", `${name} did not finish within ${header.timeoutMs} ms`));
  }

  #close(reason: RpcError): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#outflow.fail(reason);
    this.#inflow.fail(reason);
    // A handler that has returned has nothing to stop: its abort listeners must not run after its success.
    if (!this.#returned) this.#abort.abort(reason);
    this.#options.onClosed(this);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
