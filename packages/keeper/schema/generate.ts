import { readFileSync, writeFileSync } from "node:fs";
import {
  decodingTable,
  type Entry,
  encodingTable,
  fieldsInterface,
  notice,
  structs,
  union,
} from "@gantry/native-sys/schema-layout";

/**
 * Writes both sides' view of messages.json: program/protocol.h for the keeper and src/generated/messages.ts for its
 * clients. Run it after a change of the schema: `node packages/keeper/schema/generate.ts`.
 */

interface Schema {
  readonly version: number;
  readonly limits: Readonly<Record<string, number>>;
  readonly spawnFlags: Readonly<Record<string, { readonly bit: number; readonly doc: string }>>;
  readonly messages: readonly Entry[];
}

const head = notice("messages.json");
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
  return [
    `/* ${head} */`,
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
    ...structs("request", requests),
    "",
    union("request", "request", requests),
    "",
    ...decodingTable("REQUESTS", requests),
    "",
    "#endif",
    "",
  ].join("\n");
}

function module({ version, limits, spawnFlags, messages }: Schema): string {
  const flags = Object.entries(spawnFlags).map(([name, { bit, doc }]) => `  /** ${doc} */\n  ${name}: ${1 << bit},`);
  return [
    `// ${head}`,
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
    encodingTable("messages", messages),
    "",
    "/** Fields of each message. */",
    fieldsInterface("Fields", messages, "(number | bigint)"),
    "",
    "export type MessageName = keyof Fields;",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const texts = generate();
  for (const name of ["header", "module"] as const) writeFileSync(outputs[name], texts[name]);
}
