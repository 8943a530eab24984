import { readFileSync, writeFileSync } from "node:fs";
import { decodingTable, type Entry, encodingTable, fieldsInterface, notice, structs, union } from "./layout.ts";

/**
 * Writes both sides' view of ops.json: init/ops.h for the helper, with the operations that are one system call in
 * init/calls.c, and generated/ops.ts for the runtime.
 * Run it after a change of the schema: `node packages/native-sys/schema/generate.ts`.
 */

interface Operation extends Entry {
  /** The arguments of syscall(2) where the operation is one system call and nothing else … */
  readonly call?: string;
  /** … and the errno that does not count as a failure. */
  readonly passes?: string;
}

interface Schema {
  readonly version: number;
  readonly ops: readonly Operation[];
}

const head = notice("ops.json");
const noFormat = "/* clang-format off */";

/** Absolute paths of the generated files. */
export const outputs = {
  header: new URL("../init/ops.h", import.meta.url).pathname,
  calls: new URL("../init/calls.c", import.meta.url).pathname,
  module: new URL("../../oci-runtime/src/plan/generated/ops.ts", import.meta.url).pathname,
};

/** The text of the files. */
export function generate(): { header: string; calls: string; module: string } {
  const schema = JSON.parse(readFileSync(new URL("ops.json", import.meta.url), "utf8")) as Schema;
  return { header: header(schema), calls: calls(schema), module: module(schema) };
}

function header({ version, ops }: Schema): string {
  return [
    `/* ${head} */`,
    noFormat,
    "#ifndef OPS_H",
    "#define OPS_H",
    "#include <stdint.h>",
    "",
    `#define PLAN_VERSION ${version}`,
    "",
    "struct numbers { uint64_t count; uint64_t items[]; };",
    "struct bytes { uint64_t length; unsigned char data[]; };",
    "",
    ...structs("op", ops),
    "",
    union("op", "op", ops),
    "",
    ...ops.map(({ name }) => `int do_${name}(const struct op_${name} *op);`),
    "",
    ...decodingTable("OPS", ops),
    "",
    "#endif",
    "",
  ].join("\n");
}

function calls({ ops }: Schema): string {
  const functions = ops
    .filter(({ call }) => call !== undefined)
    .map(({ name, doc, call = "", passes }) => {
      const unused = call.includes("op->") ? "" : "\t(void)op;\n";
      const fine = passes ? ` && errno != ${passes}` : "";
      return `/* ${doc} */\nint do_${name}(const struct op_${name} *op)\n{\n${unused}\treturn syscall(${call}) < 0${fine} ? -1 : 0;\n}`;
    });
  const includes = ["string.h", "sys/prctl.h", "sys/syscall.h", "unistd.h"];
  return [
    `/* ${head} Operations that are one system call. */`,
    noFormat,
    "#define _GNU_SOURCE",
    ...includes.map((name) => `#include <${name}>`),
    '#include "init.h"',
    '#include "kernel.h"',
    "",
    functions.join("\n\n"),
    "",
  ].join("\n");
}

function module({ version, ops }: Schema): string {
  return [
    `// ${head}`,
    "",
    `export const planVersion = ${version};`,
    "",
    "/** Number and fields, in their order on the wire, of every operation. */",
    encodingTable("operations", ops),
    "",
    "/** Fields of each operation. */",
    fieldsInterface("Operands", ops, "number"),
    "",
    "export type OperationName = keyof Operands;",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const texts = generate();
  for (const name of ["header", "calls", "module"] as const) writeFileSync(outputs[name], texts[name]);
}
