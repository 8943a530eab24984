/** Types of the fields of a plan's operations and of a keeper's messages. */
export type FieldType = "number" | "string" | "strings" | "numbers" | "bytes";

/** Writes operations or messages with their fields, as init/fields.h describes them. */
export class FieldWriter {
  #buffer: Buffer;
  #at = 0;

  /** @param size bytes to begin with; it grows */
  constructor(size: number) {
    this.#buffer = Buffer.alloc(size);
  }

  /** All that was written. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Leaves zeros. */
  skip(bytes: number): void {
    this.#reserve(bytes);
    this.#at += bytes;
  }

  /** One operation or message: its number, the bytes of its fields, and the fields in the order of `types`. */
  entry(number: number, types: Readonly<Record<string, FieldType>>, values: Readonly<Record<string, unknown>>): void {
    this.#reserve(8);
    const header = this.#at;
    this.#at += 8;
    for (const [name, type] of Object.entries(types)) this.#field(type, values[name]);
    this.#buffer.writeUInt32LE(number, header);
    this.#buffer.writeUInt32LE(this.#at - header - 8, header + 4);
  }

  #field(type: FieldType, value: unknown): void {
    if (type === "number") this.#number(value as number | bigint);
    else if (type === "string") this.#string(value as string);
    else if (type === "strings") this.#strings(value as readonly string[]);
    else if (type === "numbers") this.#numbers(value as readonly (number | bigint)[]);
    else this.#bytes(value as Uint8Array);
  }

  #number(value: number | bigint): void {
    this.#reserve(8);
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), this.#at);
    this.#at += 8;
  }

  #string(value: string): void {
    const length = Buffer.byteLength(value) + 1;
    this.#number(length);
    this.#reserve(length);
    this.#buffer.write(value, this.#at);
    this.#at += padded(length);
  }

  #strings(values: readonly string[]): void {
    this.#number(values.length);
    this.skip((values.length + 1) * 8);
    for (const value of values) this.#string(value);
  }

  #numbers(values: readonly (number | bigint)[]): void {
    this.#number(values.length);
    for (const value of values) this.#number(value);
  }

  #bytes(value: Uint8Array): void {
    this.#number(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += padded(value.length);
  }

  /** Grown memory is zero, so that padding needs no writing. */
  #reserve(bytes: number): void {
    const needed = this.#at + padded(bytes);
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown);
    this.#buffer = grown;
  }
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}
