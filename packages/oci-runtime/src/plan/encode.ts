import { FieldWriter } from "@gantry/native-sys/fields";
import type { Seccomp } from "@gantry/oci-spec/runtime";
import { operations, planVersion } from "./generated/ops.ts";
import type { Op, Plan } from "./op.ts";

/** "plan", read as a little-endian number. */
const magic = 0x6e616c70;
const headerSize = 16;
/** As much as most plans need. */
const usualSize = 32 * 1024;

/** Makes a seccomp filter of a profile: an array of struct sock_filter. */
export type FilterMaker = (profile: Seccomp) => Uint8Array;

/** The plan as the helper reads it; the layout is described in native-sys/init/wire.c. */
export function encode(plan: Plan, makeFilter: FilterMaker): Buffer {
  const writer = new FieldWriter(usualSize);
  writer.skip(headerSize);
  for (const op of plan.ops) {
    const { number, fields } = operations[op.op];
    writer.entry(number, fields, valuesOf(op, makeFilter));
  }
  const { bytes } = writer;
  const header = [magic, planVersion, plan.ops.length, bytes.length - headerSize];
  for (const [index, value] of header.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

function valuesOf(op: Op, makeFilter: FilterMaker): Readonly<Record<string, unknown>> {
  return op.op === "seccomp" ? { ...op, filter: makeFilter(op.profile) } : { ...op };
}
