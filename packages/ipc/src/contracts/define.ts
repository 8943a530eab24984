import type * as v from "valibot";

/**
 * A contract is a plain value: method name → schemas and a sentence of documentation.
 * Types of requests, replies and items are inferred from it; the server checks what arrives
 * against `request` and `input`, the client against `reply` and `item`.
 */

/** Any synchronous schema whose output is the value that travels. */
export type Schema = v.GenericSchema<unknown, unknown>;

/** One request, one reply. */
export interface CallMethod<Req extends Schema = Schema, Rep extends Schema = Schema> {
  readonly kind: "call";
  readonly doc: string;
  /** Version of the contract that introduced the method. */
  readonly since: number;
  /** A call that may be repeated with the same effect; a client may retry it after a lost connection. */
  readonly idempotent: boolean;
  readonly request: Req;
  readonly reply: Rep;
}

/**
 * One request, any number of items each way, and one reply that ends it.
 * Bulk bytes ride beside an item as blobs (raw frames), never inside it.
 */
export interface StreamMethod<
  Req extends Schema = Schema,
  Item extends Schema = Schema,
  Input extends Schema = Schema,
  Rep extends Schema = Schema,
> {
  readonly kind: "stream";
  readonly doc: string;
  /** Version of the contract that introduced the method. */
  readonly since: number;
  readonly request: Req;
  /** The items that the server sends while the stream is open. */
  readonly item: Item;
  /** The items that the client sends while the stream is open. */
  readonly input: Input;
  readonly reply: Rep;
}

export type Method = CallMethod | StreamMethod;
export type Methods = Readonly<Record<string, Method>>;

export interface Contract<M extends Methods = Methods> {
  readonly name: string;
  /** Raised when a method changes in a way that an older peer cannot follow. */
  readonly version: number;
  readonly methods: M;
}

/** Declares a unary method. */
export function call<Req extends Schema, Rep extends Schema>(method: {
  doc: string;
  since?: number;
  idempotent?: boolean;
  request: Req;
  reply: Rep;
}): CallMethod<Req, Rep> {
  return { kind: "call", since: 1, idempotent: false, ...method };
}

/** Declares a streaming method. */
export function stream<Req extends Schema, Item extends Schema, Input extends Schema, Rep extends Schema>(method: {
  doc: string;
  since?: number;
  request: Req;
  item: Item;
  input: Input;
  reply: Rep;
}): StreamMethod<Req, Item, Input, Rep> {
  return { kind: "stream", since: 1, ...method };
}

/** Declares a contract. */
export function contract<const M extends Methods>(name: string, version: number, methods: M): Contract<M> {
  return { name, version, methods };
}

/** Names of a contract's unary methods. */
export type CallNames<M extends Methods> = { [K in keyof M]: M[K] extends CallMethod ? K : never }[keyof M];
/** Names of a contract's streaming methods. */
export type StreamNames<M extends Methods> = { [K in keyof M]: M[K] extends StreamMethod ? K : never }[keyof M];

export type RequestOf<M extends Method> = v.InferOutput<M["request"]>;
export type ReplyOf<M extends Method> = v.InferOutput<M["reply"]>;
export type ItemOf<M extends Method> = M extends StreamMethod ? v.InferOutput<M["item"]> : never;
export type InputOf<M extends Method> = M extends StreamMethod ? v.InferOutput<M["input"]> : never;
