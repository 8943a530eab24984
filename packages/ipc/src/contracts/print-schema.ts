import type * as v from "valibot";
import type { Schema } from "./define.ts";

/** The parts of valibot's schemas that are printed; which of them a schema has depends on its type. */
interface Parts {
  readonly type: string;
  readonly expects: string | null;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly items?: readonly Schema[];
  readonly key?: Schema;
  readonly value?: Schema;
  readonly options?: readonly unknown[];
  readonly pipe?: readonly (Schema | v.GenericValidation)[];
}

/** A schema in a notation close to TypeScript's. @param depth levels of indentation of the line that it starts on */
export function printSchema(schema: Schema, depth: number): string {
  const parts = schema as unknown as Parts;
  const rules = (parts.pipe ?? []).slice(1).map(printRule);
  return [printType(parts, depth), ...rules].join(" ");
}

function printType(parts: Parts, depth: number): string {
  switch (parts.type) {
    case "object":
      return printObject(parts, depth, false);
    case "loose_object":
      return printObject(parts, depth, true);
    case "array":
      return `[${inner(parts.item, depth)}…]`;
    case "tuple":
      return `[${(parts.items ?? []).map((item) => printSchema(item, depth)).join(", ")}]`;
    case "record":
      return `{ [${inner(parts.key, depth)}]: ${inner(parts.value, depth)} }`;
    case "union":
    case "variant":
      return (parts.options ?? []).map((option) => printSchema(option as Schema, depth)).join(" | ");
    case "nullable":
      return `${inner(parts.wrapped, depth)} | null`;
    case "optional":
      return inner(parts.wrapped, depth);
    case "picklist":
    case "literal":
      return parts.expects ?? parts.type;
    default:
      return parts.type;
  }
}

function printObject(parts: Parts, depth: number, open: boolean): string {
  const entries = Object.entries(parts.entries ?? {});
  const indent = "  ".repeat(depth + 1);
  const lines = entries.map(([name, entry]) => {
    const optional = (entry as unknown as Parts).type === "optional" ? "?" : "";
    return `${indent}${printName(name)}${optional}: ${printSchema(entry, depth + 1)}`;
  });
  if (open) lines.push(`${indent}…`);
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

function printName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

function inner(schema: Schema | undefined, depth: number): string {
  return schema === undefined ? "unknown" : printSchema(schema, depth);
}

function printRule(rule: Schema | v.GenericValidation): string {
  return `(${rule.expects ?? rule.type.replaceAll("_", " ")})`;
}
