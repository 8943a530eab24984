/**
 * The few parts of Protocol Buffers' wire format that CRIU's RPC needs: integers, strings and messages in messages.
 */

/** A field's value; false and absent ones are left out, which means the same to CRIU. */
export type Value = number | boolean | string | Message | undefined;
/** Field number → value, or values of a repeated field. */
export type Message = ReadonlyMap<number, Value | readonly (string | Message)[]>;

const varint = 0;
const lengthDelimited = 2;

export function encodeMessage(message: Message): Buffer {
  const parts: Buffer[] = [];
  for (const [field, values] of message)
    for (const value of isList(values) ? values : [values]) parts.push(...encodeField(field, value));
  return Buffer.concat(parts);
}

function isList(values: Value | readonly (string | Message)[]): values is readonly (string | Message)[] {
  return Array.isArray(values);
}

function encodeField(field: number, value: Value): Buffer[] {
  if (value === undefined || value === false) return [];
  if (typeof value === "number" || value === true)
    return [encodeNumber(field * 8 + varint), encodeNumber(Number(value))];
  const bytes = typeof value === "string" ? Buffer.from(value) : encodeMessage(value);
  return [encodeNumber(field * 8 + lengthDelimited), encodeNumber(bytes.length), bytes];
}

/** Seven bits a byte, the lowest first; negative ones as 64 bits. */
function encodeNumber(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return Buffer.from(bytes);
  }
}

/** A decoded message without a schema: numbers, and bytes that the reader interprets; of a repeated field the last. */
export class Decoded {
  readonly #fields = new Map<number, bigint | Buffer>();

  /** @throws Error when the bytes end too soon */
  constructor(bytes: Buffer) {
    let at = 0;
    const number = (): bigint => {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = bytes[at++];
        if (byte === undefined) break;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
      throw new Error("criu said something that cannot be read");
    };
    while (at < bytes.length) {
      const tag = Number(number());
      const value = number();
      if (tag % 8 === varint) this.#fields.set(tag >> 3, value);
      else if (tag % 8 === lengthDelimited) {
        this.#fields.set(tag >> 3, bytes.subarray(at, at + Number(value)));
        at += Number(value);
      } else throw new Error(`criu used an unknown wire type: ${tag % 8}`);
    }
  }

  number(field: number): number | undefined {
    const value = this.#fields.get(field);
    return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : undefined;
  }

  text(field: number): string | undefined {
    const value = this.#fields.get(field);
    return value instanceof Buffer ? value.toString() : undefined;
  }

  message(field: number): Decoded | undefined {
    const value = this.#fields.get(field);
    return value instanceof Buffer ? new Decoded(value) : undefined;
  }
}
