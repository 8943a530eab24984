import { type Fields, type FieldType, type MessageName, messages } from "./generated/messages.ts";

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
  const values = fields as Readonly<Record<string, unknown>>;
  const parts = Object.entries(types).map(([field, type]) => encodeField(type, values[field]));
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(number, 0);
  header.writeUInt32LE(body.length, 4);
  return Buffer.concat([header, body]);
}

/** @throws RangeError for a message that is cut off; undefined for one that this version does not know */
export function decode(bytes: Buffer): Message | undefined {
  const name = names.get(bytes.readUInt32LE(0));
  if (name === undefined) return undefined;
  const reader = new Reader(bytes.subarray(8, 8 + bytes.readUInt32LE(4)));
  const entries = Object.entries(messages[name].fields).map(([field, type]) => [field, reader.field(type)]);
  return { name, fields: Object.fromEntries(entries) } as unknown as Message;
}

function encodeField(type: FieldType, value: unknown): Buffer {
  if (type === "number") return u64(value as number | bigint);
  if (type === "string") return text(value as string);
  if (type === "numbers") {
    const numbers = value as readonly (number | bigint)[];
    return Buffer.concat([u64(numbers.length), ...numbers.map(u64)]);
  }
  const strings = value as readonly string[];
  return Buffer.concat([u64(strings.length), Buffer.alloc((strings.length + 1) * 8), ...strings.map(text)]);
}

function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(`${value}\0`);
  return Buffer.concat([u64(bytes.length), bytes, Buffer.alloc(-bytes.length & 7)]);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  field(type: FieldType): bigint | string | string[] | bigint[] {
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
