import type { FieldType } from "../src/fields.ts";

/**
 * Both sides' view of messages whose fields are laid out as init/fields.h describes, from a schema: C structures and a
 * decoding table for the program, types and a table for TypeScript.
 */

/** Names of fields with their types, in their order on the wire. */
export type FieldTypes = Readonly<Record<string, FieldType>>;

/** A message, or an operation of a plan. */
export interface Entry {
  readonly number: number;
  readonly name: string;
  readonly doc: string;
  readonly fields: FieldTypes;
}

/** One letter a field in the program's decoding table. */
const letters: Record<FieldType, string> = { number: "n", string: "s", strings: "v", numbers: "l", bytes: "b" };
const cTypes: Record<FieldType, string> = {
  number: "uint64_t ",
  string: "const char *",
  strings: "char *const *",
  numbers: "const struct numbers *",
  bytes: "const struct bytes *",
};

/** The first line of a generated file. */
export const notice = (schema: string): string =>
  `Generated from schema/${schema} by schema/generate.ts; change it there.`;

/** The structure `struct PREFIX_NAME` of each entry. */
export function structs(prefix: string, entries: readonly Entry[]): string[] {
  return entries.map(({ name, fields }) => {
    const lines = fieldLines(fields, (field, type) => `\t${cTypes[type]}${field};`);
    return `struct ${prefix}_${name} {\n${lines || "\tchar none;"}\n};`;
  });
}

/** The union of these structures, with their fields as they are decoded. */
export function union(name: string, prefix: string, entries: readonly Entry[]): string {
  const widest = Math.max(...entries.map(({ fields }) => Object.keys(fields).length));
  const members = entries.map((entry) => `\tstruct ${prefix}_${entry.name} ${entry.name};`);
  return `union ${name} {\n\tuint64_t fields[${widest}];\n${members.join("\n")}\n};`;
}

/** The decoding table, as a macro of X(number, name, field letters). */
export function decodingTable(macro: string, entries: readonly Entry[]): string[] {
  const rows = entries.map(({ number, name, fields }) => {
    const types = Object.values(fields).map((type) => letters[type]);
    return `\tX(${number}, ${name}, "${types.join("")}")`;
  });
  return ["/* X(number, name, field letters) */", `#define ${macro}(X) \\\n${rows.join(" \\\n")}`];
}

/** The constant that has number and fields of every entry. */
export function encodingTable(constant: string, entries: readonly Entry[]): string {
  const rows = entries.map(
    ({ number, name, doc, fields }) =>
      `  /** ${doc} */\n  ${name}: { number: ${number}, fields: {${fieldLines(fields, (field, type) => ` ${field}: "${type}"`, ",")} } },`,
  );
  return `export const ${constant} = {\n${rows.join("\n")}\n} as const;`;
}

/** The interface that has the fields of every entry. @param numbers the type of the items of "numbers" */
export function fieldsInterface(name: string, entries: readonly Entry[], numbers: string): string {
  const types: Record<FieldType, string> = {
    number: "number | bigint",
    string: "string",
    strings: "readonly string[]",
    numbers: `readonly ${numbers}[]`,
    bytes: "Uint8Array",
  };
  const members = entries.map((entry) => {
    const lines = fieldLines(entry.fields, (field, type) => `    readonly ${field}: ${types[type]};`);
    return lines ? `  readonly ${entry.name}: {\n${lines}\n  };` : `  readonly ${entry.name}: Record<never, never>;`;
  });
  return `export interface ${name} {\n${members.join("\n")}\n}`;
}

function fieldLines(fields: FieldTypes, line: (field: string, type: FieldType) => string, separator = "\n"): string {
  return Object.entries(fields)
    .map(([field, type]) => line(field, type))
    .join(separator);
}
