import { type FieldType, FieldWriter } from "@gantry/native-sys/fields";
import { type Fields, type MessageName, messages } from "./generated/messages.ts";

/** As much as most messages need. */
const usualSize = 512;

/** A message as it arrives. */
export type Message = { [N in MessageName]: { readonly name: N; readonly fields: Decoded<N> } }[MessageName];

/** Numbers arrive as bigint: a time in nanoseconds needs more than 53 bits. */
type Decoded<N extends MessageName> = {
  readonly [F in keyof Fields[N]]: Fields[N][F] extends string
    ? string
    : Fields[N][F] extends readonly string[]
      ? readonly string[]
      : Fields[N][F] extends readonly unknown[]
        ? readonly bigint[]
        : bigint;
};

const names: ReadonlyMap<number, MessageName> = new Map(
  Object.entries(messages).map(([name, { number }]) => [number, name as MessageName]),
);

/** One message as bytes; the layout is described in program/wire.c. */
export function encode<N extends MessageName>(name: N, fields: Fields[N]): Buffer {
  const { number, fields: types } = messages[name];
  const writer = new FieldWriter(usualSize);
  writer.entry(number, types, { ...fields });
  return writer.bytes;
}

/** @throws RangeError for a message that is cut off; undefined for one that this version does not know */
export function decode(bytes: Buffer): Message | undefined {
  const name = names.get(bytes.readUInt32LE(0));
  if (name === undefined) return undefined;
  const reader = new Reader(bytes.subarray(8, 8 + bytes.readUInt32LE(4)));
  const entries = Object.entries(messages[name].fields).map(([field, type]) => [field, reader.field(type)]);
  return { name, fields: Object.fromEntries(entries) } as unknown as Message;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  field(type: Exclude<FieldType, "bytes">): bigint | string | string[] | bigint[] {
    if (type === "number") return this.#number();
    if (type === "string") return this.#text();
    const count = Number(this.#number());
    if (count > this.#bytes.length) throw new RangeError("a count is larger than its message");
    if (type === "numbers") return Array.from({ length: count }, () => this.#number());
    this.#at += (count + 1) * 8;
    return Array.from({ length: count }, () => this.#text());
  }

  #number(): bigint {
    const value = this.#bytes.readBigUInt64LE(this.#at);
    this.#at += 8;
    return value;
  }

  #text(): string {
    const length = Number(this.#number());
    if (this.#at + length > this.#bytes.length) throw new RangeError("a text is longer than its message");
    const value = this.#bytes.toString("utf8", this.#at, this.#at + length - 1);
    this.#at += (length + 7) & ~7;
    return value;
  }
}
