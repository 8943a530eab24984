import { decode, encode } from "./codec.ts";

/** The only version of the wire. Every version keeps the first three elements of the header in place. */
export const protocolVersion = 1;

/** Kinds of messages, by the number in the header. */
export const kinds = { call: 1, reply: 2, error: 3, item: 4, end: 5, cancel: 6, credit: 7 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

/** Frames of one message without the route: header, body, blobs. */
export type Frames = readonly Uint8Array[];

export interface CallHeader {
  readonly kind: typeof kinds.call;
  readonly id: number;
  readonly method: string;
  /** Milliseconds that the caller will wait; 0 for no deadline. */
  readonly timeoutMs: number;
  /** Name and version of the contract, such as "shim/1"; empty when the caller did not say. */
  readonly contract: string;
}

export interface CreditHeader {
  readonly kind: typeof kinds.credit;
  readonly id: number;
  readonly items: number;
  readonly bytes: number;
}

export interface PlainHeader {
  readonly kind: Exclude<Kind, 1 | 7>;
  readonly id: number;
}

export type Header = CallHeader | CreditHeader | PlainHeader;

/** A header that does not follow the protocol; `id` when it could be read, so that the sender can be answered. */
export class HeaderError extends Error {
  readonly id: number | undefined;

  constructor(message: string, id?: number) {
    super(message);
    this.name = "HeaderError";
    this.id = id;
  }
}

/** Bodies are limited apart from blobs: a header is a few dozen bytes. */
const maxHeaderBytes = 1024;

/** @throws HeaderError */
export function decodeHeader(frame: Uint8Array | undefined): Header {
  const fields = headerFields(frame);
  const [version, kind, id] = fields;
  if (!isCount(id)) throw new HeaderError("the header's third element must be the call's id, a whole number");
  if (version !== protocolVersion) {
    throw new HeaderError(`the header's protocol version must be ${protocolVersion}`, id);
  }
  switch (kind) {
    case kinds.call:
      return callHeader(fields, id);
    case kinds.credit:
      return creditHeader(fields, id);
    case kinds.reply:
    case kinds.error:
    case kinds.item:
    case kinds.end:
    case kinds.cancel:
      return { kind, id };
    default:
      throw new HeaderError("the header's second element must be a kind from 1 to 7", id);
  }
}

function headerFields(frame: Uint8Array | undefined): readonly unknown[] {
  if (frame === undefined) throw new HeaderError("a message must have a header");
  if (frame.length > maxHeaderBytes) throw new HeaderError(`a header has at most ${maxHeaderBytes} bytes`);
  let fields: unknown;
  try {
    fields = decode(frame);
  } catch (error) {
    throw new HeaderError(`the header cannot be decoded: ${error instanceof Error ? error.message : error}`);
  }
  if (!Array.isArray(fields)) throw new HeaderError("the header must be an array");
  return fields;
}

function callHeader(fields: readonly unknown[], id: number): CallHeader {
  const [, , , method, timeoutMs = 0, contract = ""] = fields;
  if (id === 0) throw new HeaderError("a call's id must be above 0");
  if (typeof method !== "string" || method === "") throw new HeaderError("a call must name its method", id);
  if (!isCount(timeoutMs)) throw new HeaderError("a call's time-out must be whole milliseconds, 0 or more", id);
  if (typeof contract !== "string") throw new HeaderError("a call's contract must be a string", id);
  return { kind: kinds.call, id, method, timeoutMs, contract };
}

function creditHeader(fields: readonly unknown[], id: number): CreditHeader {
  const [, , , items, bytes] = fields;
  if (!isCount(items) || !isCount(bytes)) throw new HeaderError("credit must name items and bytes, 0 or more", id);
  return { kind: kinds.credit, id, items, bytes };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** The header of a message that is not a call and gives no credit. */
export function plainHeader(kind: PlainHeader["kind"], id: number): Uint8Array {
  return encode([protocolVersion, kind, id]);
}

export function encodeCall(header: Omit<CallHeader, "kind">): Uint8Array {
  return encode([protocolVersion, kinds.call, header.id, header.method, header.timeoutMs, header.contract]);
}

/** Credit for call 0 has no meaning: a server sends it to probe whether a peer is still connected. */
export function encodeCredit(id: number, items: number, bytes: number): Uint8Array {
  return encode([protocolVersion, kinds.credit, id, items, bytes]);
}
