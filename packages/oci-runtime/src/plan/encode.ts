import type { Seccomp } from "@gantry/oci-spec/runtime";
import { type FieldType, operations, planVersion } from "./generated/ops.ts";
import type { Op, Plan } from "./op.ts";

/** "plan", read as a little-endian number. */
const magic = 0x6e616c70;

/** Makes a seccomp filter of a profile: an array of struct sock_filter. */
export type FilterMaker = (profile: Seccomp) => Uint8Array;

/** The plan as the helper reads it; the layout is described in native-sys/init/wire.c. */
export function encode(plan: Plan, makeFilter: FilterMaker): Buffer {
  const writer = new Writer();
  writer.skip(16);
  for (const op of plan.ops) writeOp(writer, op, makeFilter);
  return writer.finish(plan.ops.length);
}

function writeOp(writer: Writer, op: Op, makeFilter: FilterMaker): void {
  const { number, fields } = operations[op.op];
  const values: Readonly<Record<string, unknown>> =
    op.op === "seccomp" ? { ...op, filter: makeFilter(op.profile) } : { ...op };
  writer.operation(number, () => {
    for (const [name, type] of Object.entries(fields)) writer.field(type, values[name]);
  });
}

class Writer {
  #buffer = Buffer.alloc(32 * 1024);
  #at = 0;

  skip(bytes: number): void {
    this.#reserve(bytes);
    this.#at += bytes;
  }

  operation(number: number, fields: () => void): void {
    this.#reserve(8);
    const header = this.#at;
    this.#at += 8;
    fields();
    this.#buffer.writeUInt32LE(number, header);
    this.#buffer.writeUInt32LE(this.#at - header - 8, header + 4);
  }

  field(type: FieldType, value: unknown): void {
    if (type === "number") this.#number(value as number | bigint);
    else if (type === "string") this.#string(value as string);
    else if (type === "strings") this.#strings(value as readonly string[]);
    else if (type === "numbers") this.#numbers(value as readonly number[]);
    else this.#bytes(value as Uint8Array);
  }

  finish(count: number): Buffer {
    const header = [magic, planVersion, count, this.#at - 16];
    for (const [index, value] of header.entries()) this.#buffer.writeUInt32LE(value, index * 4);
    return this.#buffer.subarray(0, this.#at);
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

  #numbers(values: readonly number[]): void {
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
