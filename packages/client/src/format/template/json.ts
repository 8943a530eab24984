import { GoFloat, isNil, isObject, isStruct, JsonNumber, keysOf, nilInterface } from "./values.ts";

/** JSON of a value, compact, without escapes of HTML characters: docker's `json` function. */
export function toJson(value: unknown): string {
  return JSON.stringify(plain(value)) ?? "null";
}

function plain(value: unknown): unknown {
  if (value === undefined || value === nilInterface) return null;
  if (value instanceof GoFloat) return value.value;
  if (value instanceof JsonNumber || typeof value === "bigint")
    return Number(value instanceof JsonNumber ? value.text : value);
  if (typeof value === "object" && value !== null && isNil(value)) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (isStruct(value)) {
    const fields = value.names.toSorted().map((name) => [name, value.get(name)] as const);
    return Object.fromEntries(
      fields.flatMap(([name, field]) => (typeof field === "function" ? [] : [[name, plain(field)]])),
    );
  }
  if (isObject(value)) return Object.fromEntries(keysOf(value).map((key) => [key, plain(value[key])]));
  return value;
}
