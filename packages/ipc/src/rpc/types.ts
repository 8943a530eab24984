import type {
  CallMethod,
  CallNames,
  Contract,
  InputOf,
  ItemOf,
  Method,
  Methods,
  ReplyOf,
  RequestOf,
  StreamMethod,
  StreamNames,
} from "../contracts/define.ts";

/**
 * The programming interface of the RPC, both ends. A transport (ZeroMQ, or memory in tests) stands behind it.
 */

/** A structured value and the raw frames that travel beside it. */
export interface Message<T> {
  readonly value: T;
  readonly blobs: readonly Uint8Array[];
}

/** The second argument of a handler. */
export interface CallContext {
  /** Aborted when the caller cancels, its deadline passes, or it is gone. */
  readonly signal: AbortSignal;
  /** Raw frames that came with the request. */
  readonly blobs: readonly Uint8Array[];
}

/** The second argument of a streaming handler: the two directions of the open stream. */
export interface StreamContext<Item, Input> extends CallContext {
  /**
   * Sends one item; resolves when the reader has room for the next one (credit), rejects once the stream is gone.
   * Blobs are sent from where they are, without a copy: their bytes must not change afterwards.
   */
  send(item: Item, ...blobs: Uint8Array[]): Promise<void>;
  /**
   * The caller's items in order, until it half-closes. Taking one returns its credit. Throws when the caller
   * cancels or is gone, and when the handler has returned: a loop that runs beside the handler must catch that.
   */
  readonly input: AsyncIterable<Message<Input>>;
}

export type Handler<M extends Method> = M extends StreamMethod
  ? (request: RequestOf<M>, context: StreamContext<ItemOf<M>, InputOf<M>>) => Promise<ReplyOf<M>>
  : M extends CallMethod
    ? (request: RequestOf<M>, context: CallContext) => Promise<ReplyOf<M>>
    : never;

/** One handler for every method of a contract; a missing one does not compile. */
export type Handlers<M extends Methods> = { readonly [K in keyof M]: Handler<M[K]> };

export interface Server {
  readonly endpoint: string;
  /** Stops accepting, lets running calls finish until the deadline (ms, 5000 unless given), then aborts them. */
  close(options?: { deadlineMs?: number }): Promise<void>;
}

export interface ServeOptions {
  /** ipc://PATH (socket made with mode 0660 in a directory that must not be open to others) or tcp:// with keys. */
  readonly endpoint: string;
  /** Called with failures that no caller sees: undecodable frames, handlers that threw something unexpected. */
  readonly onError?: (error: Error) => void;
  /** Mode of the socket file; 0660 unless given. */
  readonly socketMode?: number;
  /** Needed for tcp://, and only for it: the server's keys and the clients that may connect, all Z85 text. */
  readonly curve?: { readonly publicKey: string; readonly secretKey: string; readonly allow: readonly string[] };
}

/** Serves a contract. Requests are checked before a handler sees them. */
export type Serve = <M extends Methods>(
  contract: Contract<M>,
  handlers: Handlers<M>,
  options: ServeOptions,
) => Promise<Server>;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds; 30 000 for calls unless given; 0 for no deadline. Streams have none unless given. */
  readonly timeoutMs?: number;
  readonly blobs?: readonly Uint8Array[];
}

/** An open stream, seen by the caller. Iterate `items`; the reply ends it. */
export interface OpenStream<Item, Input, Reply> {
  /** Leaving the iteration before its end cancels the stream. */
  readonly items: AsyncIterable<Message<Item>>;
  /** Sends one item; resolves when there is room for the next one. The bytes of blobs must not change afterwards. */
  send(input: Input, ...blobs: Uint8Array[]): Promise<void>;
  /** Half-closes: no more input follows. */
  end(): void;
  /** The reply, or the error that ended the stream. Items not yet taken are still there. */
  readonly result: Promise<Reply>;
  /** Gives the stream up: the handler's signal is aborted, `result` rejects with Cancelled. */
  cancel(): void;
}

export interface Client<M extends Methods> {
  readonly endpoint: string;
  /** Calls a unary method. @throws RpcError; Unavailable when the server is not there or goes away. */
  call<K extends CallNames<M> & string>(
    method: K,
    request: RequestOf<M[K]>,
    options?: CallOptions,
  ): Promise<ReplyOf<M[K]>>;
  /** Opens a stream. Errors come by `result` and by the iteration. */
  open<K extends StreamNames<M> & string>(
    method: K,
    request: RequestOf<M[K]>,
    options?: CallOptions,
  ): OpenStream<ItemOf<M[K]>, InputOf<M[K]>, ReplyOf<M[K]>>;
  /** Fails all pending calls with Cancelled and closes the socket. */
  close(): void;
}

export interface ConnectOptions {
  readonly endpoint: string;
  /** How long a first connection may take before calls fail with Unavailable: 5000 ms unless given; 0 fails at the first refusal. */
  readonly connectTimeoutMs?: number;
  /** Called when the server is lost (all pending calls have failed by then); the socket connects again by itself. */
  readonly onDisconnect?: () => void;
  /** Needed for tcp://, and only for it: the server's public key and this client's own keys, all Z85 text. */
  readonly curve?: { readonly serverKey: string; readonly publicKey: string; readonly secretKey: string };
}

/** Connects to a server of a contract; returns at once, the first call waits for the connection. */
export type Connect = <M extends Methods>(contract: Contract<M>, options: ConnectOptions) => Client<M>;
