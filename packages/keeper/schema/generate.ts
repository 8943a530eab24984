import { readFileSync, writeFileSync } from "node:fs";

/**
 * Writes both sides' view of messages.json: program/protocol.h for the keeper and src/generated/messages.ts for its
 * clients. Run it after a change of the schema: `node packages/keeper/schema/generate.ts`.
 */

type FieldType = "number" | "string" | "strings" | "numbers";

interface Message {
  readonly number: number;
  readonly name: string;
  readonly doc: string;
  readonly fields: Readonly<Record<string, FieldType>>;
}

interface Schema {
  readonly version: number;
  readonly limits: Readonly<Record<string, number>>;
  readonly spawnFlags: Readonly<Record<string, { readonly bit: number; readonly doc: string }>>;
  readonly messages: readonly Message[];
}

/** One letter a field in the keeper's decoding table. */
const letters: Record<FieldType, string> = { number: "n", string: "s", strings: "v", numbers: "l" };
const cTypes: Record<FieldType, string> = {
  number: "uint64_t ",
  string: "const char *",
  strings: "char *const *",
  numbers: "const uint64_t *",
};
const tsTypes: Record<FieldType, string> = {
  number: "number | bigint",
  string: "string",
  strings: "readonly string[]",
  numbers: "readonly (number | bigint)[]",
};

const notice = "Generated from schema/messages.json by schema/generate.ts; change it there.";
/** Numbers below this are requests. */
const firstAnswer = 64;

/** Absolute paths of the generated files. */
export const outputs = {
  header: new URL("../program/protocol.h", import.meta.url).pathname,
  module: new URL("../src/generated/messages.ts", import.meta.url).pathname,
};

/** The text of the files. */
export function generate(): { header: string; module: string } {
  const schema = JSON.parse(readFileSync(new URL("messages.json", import.meta.url), "utf8")) as Schema;
  return { header: header(schema), module: module(schema) };
}

function header({ version, limits, spawnFlags, messages }: Schema): string {
  const requests = messages.filter(({ number }) => number < firstAnswer);
  const widest = Math.max(...requests.map(({ fields }) => Object.keys(fields).length));
  return [
    `/* ${notice} */`,
    "#ifndef PROTOCOL_H",
    "#define PROTOCOL_H",
    "#include <stdint.h>",
    "",
    `#define PROTOCOL_VERSION ${version}`,
    ...Object.entries(limits).map(([name, value]) => `#define LIMIT_${name.toUpperCase()} ${value}`),
    ...Object.entries(spawnFlags).map(([name, { bit }]) => `#define SPAWN_${name.toUpperCase()} ${1 << bit}`),
    "",
    ...messages.map(({ name, number }) => `#define MESSAGE_${name.toUpperCase()} ${number}`),
    "",
    ...requests.map(
      ({ name, fields }) =>
        `struct request_${name} {\n${fieldLines(fields, (field, type) => `\t${cTypes[type]}${field};`) || "\tchar none;"}\n};`,
    ),
    "",
    `union request {\n\tuint64_t fields[${widest}];\n${requests.map(({ name }) => `\tstruct request_${name} ${name};`).join("\n")}\n};`,
    "",
    "/* X(number, name, field letters) */",
    `#define REQUESTS(X) \\\n${requests.map(({ number, name, fields }) => `\tX(${number}, ${name}, "${letterString(fields)}")`).join(" \\\n")}`,
    "",
    "#endif",
    "",
  ].join("\n");
}

function module({ version, limits, spawnFlags, messages }: Schema): string {
  const entries = messages.map(
    ({ number, name, doc, fields }) =>
      `  /** ${doc} */\n  ${name}: { number: ${number}, fields: {${fieldLines(fields, (field, type) => ` ${field}: "${type}"`, ",")} } },`,
  );
  const types = messages.map(({ name, fields }) => {
    const lines = fieldLines(fields, (field, type) => `    readonly ${field}: ${tsTypes[type]};`);
    return lines ? `  readonly ${name}: {\n${lines}\n  };` : `  readonly ${name}: Record<never, never>;`;
  });
  const flags = Object.entries(spawnFlags).map(([name, { bit, doc }]) => `  /** ${doc} */\n  ${name}: ${1 << bit},`);
  return [
    `// ${notice}`,
    "",
    'export type FieldType = "number" | "string" | "strings" | "numbers";',
    "",
    `export const protocolVersion = ${version};`,
    "",
    `export const limits = {\n${Object.entries(limits)
      .map(([name, value]) => `  ${name}: ${value},`)
      .join("\n")}\n} as const;`,
    "",
    `export const spawnFlags = {\n${flags.join("\n")}\n} as const;`,
    "",
    "/** Number and fields, in their order on the wire, of every message. */",
    `export const messages = {\n${entries.join("\n")}\n} as const;`,
    "",
    "/** Fields of each message. */",
    `export interface Fields {\n${types.join("\n")}\n}`,
    "",
    "export type MessageName = keyof Fields;",
    "",
  ].join("\n");
}

function fieldLines(
  fields: Message["fields"],
  line: (field: string, type: FieldType) => string,
  separator = "\n",
): string {
  return Object.entries(fields)
    .map(([field, type]) => line(field, type))
    .join(separator);
}

function letterString(fields: Message["fields"]): string {
  return Object.values(fields)
    .map((type) => letters[type])
    .join("");
}

if (import.meta.main) {
  const texts = generate();
  for (const name of ["header", "module"] as const) writeFileSync(outputs[name], texts[name]);
}
