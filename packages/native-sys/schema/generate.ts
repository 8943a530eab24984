import { readFileSync, writeFileSync } from "node:fs";

/**
 * Writes both sides' view of ops.json: init/ops.h for the helper, with the operations that are one system call in
 * init/calls.c, and generated/ops.ts for the runtime.
 * Run it after a change of the schema: `node packages/native-sys/schema/generate.ts`.
 */

type FieldType = "number" | "string" | "strings" | "numbers" | "bytes";

interface Operation {
  readonly number: number;
  readonly name: string;
  readonly doc: string;
  readonly fields: Readonly<Record<string, FieldType>>;
  /** The arguments of syscall(2) where the operation is one system call and nothing else … */
  readonly call?: string;
  /** … and the errno that does not count as a failure. */
  readonly passes?: string;
}

interface Schema {
  readonly version: number;
  readonly ops: readonly Operation[];
}

/** One letter a field in the helper's decoding table. */
const letters: Record<FieldType, string> = { number: "n", string: "s", strings: "v", numbers: "l", bytes: "b" };
const cTypes: Record<FieldType, string> = {
  number: "uint64_t ",
  string: "const char *",
  strings: "char *const *",
  numbers: "const struct numbers *",
  bytes: "const struct bytes *",
};
const tsTypes: Record<FieldType, string> = {
  number: "number | bigint",
  string: "string",
  strings: "readonly string[]",
  numbers: "readonly number[]",
  bytes: "Uint8Array",
};

const notice = "Generated from schema/ops.json by schema/generate.ts; change it there.";
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
  const structs = ops.map(
    ({ name, fields }) =>
      `struct op_${name} {\n${fieldLines(fields, (field, type) => `\t${cTypes[type]}${field};`) || "\tchar none;"}\n};`,
  );
  return [
    `/* ${notice} */`,
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
    ...structs,
    "",
    `union op {\n\tuint64_t fields[${Math.max(...ops.map(({ fields }) => Object.keys(fields).length))}];\n${ops.map(({ name }) => `\tstruct op_${name} ${name};`).join("\n")}\n};`,
    "",
    ...ops.map(({ name }) => `int do_${name}(const struct op_${name} *op);`),
    "",
    "/* X(number, name, field letters) */",
    `#define OPS(X) \\\n${ops.map(({ number, name, fields }) => `\tX(${number}, ${name}, "${letterString(fields)}")`).join(" \\\n")}`,
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
    `/* ${notice} Operations that are one system call. */`,
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
  const entries = ops.map(
    ({ number, name, doc, fields }) =>
      `  /** ${doc} */\n  ${name}: { number: ${number}, fields: {${fieldLines(fields, (field, type) => ` ${field}: "${type}"`, ",")} } },`,
  );
  const types = ops.map(({ name, fields }) => {
    const lines = fieldLines(fields, (field, type) => `    readonly ${field}: ${tsTypes[type]};`);
    return lines ? `  readonly ${name}: {\n${lines}\n  };` : `  readonly ${name}: Record<never, never>;`;
  });
  return [
    `// ${notice}`,
    "",
    'export type FieldType = "number" | "string" | "strings" | "numbers" | "bytes";',
    "",
    `export const planVersion = ${version};`,
    "",
    "/** Number and fields, in their order on the wire, of every operation. */",
    `export const operations = {\n${entries.join("\n")}\n} as const;`,
    "",
    "/** Fields of each operation. */",
    `export interface Operands {\n${types.join("\n")}\n}`,
    "",
    "export type OperationName = keyof Operands;",
    "",
  ].join("\n");
}

function fieldLines(
  fields: Operation["fields"],
  line: (field: string, type: FieldType) => string,
  separator = "\n",
): string {
  return Object.entries(fields)
    .map(([field, type]) => line(field, type))
    .join(separator);
}

function letterString(fields: Operation["fields"]): string {
  return Object.values(fields)
    .map((type) => letters[type])
    .join("");
}

if (import.meta.main) {
  const texts = generate();
  for (const name of ["header", "calls", "module"] as const) writeFileSync(outputs[name], texts[name]);
}
