import type { Schema } from "../../contracts/define.ts";
import type { Message } from "../types.ts";
import { asRpcError, checkBody } from "../wire/check.ts";
import { encode } from "../wire/codec.ts";
import { checkFrames } from "../wire/credit.ts";
import type { Frames } from "../wire/envelope.ts";
import type { Inflow } from "./inflow.ts";
import { type Outflow, rejected } from "./outflow.ts";

/** One end of an open stream below the level of values: the frames that a relay passes on without decoding. */
export interface RawStream {
  /** Body and blobs as they came. */
  readonly inflow: Inflow;
  readonly outflow: Outflow;
}

const raw: unique symbol = Symbol("raw");

/** Attaches the lower level to the object that a handler or a caller holds. */
export function withRaw<T extends object>(stream: T, below: RawStream): T {
  Object.defineProperty(stream, raw, { value: below });
  return stream;
}

/** @throws TypeError for a stream that this package did not make */
export function rawOf(stream: object): RawStream {
  const below = (stream as { [raw]?: RawStream })[raw];
  if (below === undefined) throw new TypeError("a relay needs the streams that serve() and connect() hand out");
  return below;
}

export interface Reading {
  readonly inflow: Inflow;
  readonly schema: Schema;
  /** Names the items in errors. */
  readonly what: string;
  /** Called with the error of an item that failed its check. */
  readonly onInvalid: (error: unknown) => void;
  /** The reader left before the end. */
  readonly onLeave: () => void;
}

/** Items as values, checked as they are taken. */
export function readItems<T>(reading: Reading): AsyncIterable<Message<T>> {
  const { inflow } = reading;
  const iterator: AsyncIterator<Message<T>, undefined> = {
    async next() {
      const frames = await inflow.take();
      if (frames === undefined) return { done: true, value: undefined };
      return { done: false, value: readItem<T>(reading, frames) };
    },
    async return() {
      inflow.discard();
      reading.onLeave();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function readItem<T>(reading: Reading, frames: Frames): Message<T> {
  try {
    const [body, ...blobs] = frames;
    // T was inferred from this schema.
    return { value: checkBody(reading.schema, body, reading.what) as T, blobs };
  } catch (error) {
    reading.onInvalid(error);
    throw error;
  }
}

/** Sends a value as an item; resolves when there is room for the next one. */
export function sendItem(outflow: Outflow, value: unknown, blobs: readonly Uint8Array[]): Promise<void> {
  try {
    const item = [encode(value), ...blobs];
    checkFrames(item);
    return outflow.send(item);
  } catch (error) {
    return rejected(asRpcError(error));
  }
}
