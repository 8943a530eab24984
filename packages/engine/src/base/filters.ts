import type { Filters } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "./errors.ts";

/** @throws RpcError InvalidArgument for an unknown key */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const key of Object.keys(filters)) {
    if (!known.includes(key)) throw invalid(`invalid filter '${key}'`);
  }
}

/** Whether labels match all of the patterns "key" and "key=value". */
export function matchesLabels(labels: Readonly<Record<string, string>>, patterns: readonly string[]): boolean {
  return patterns.every((pattern) => {
    const at = pattern.indexOf("=");
    if (at < 0) return Object.hasOwn(labels, pattern);
    const key = pattern.slice(0, at);
    return Object.hasOwn(labels, key) && labels[key] === pattern.slice(at + 1);
  });
}

/** A pattern of a name filter: a regular expression, or the literal text where it is not a valid one. */
export function namePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  }
}

/** The value of a boolean filter; undefined where it is not given. @throws RpcError InvalidArgument */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters[key];
  if (!values || values.length === 0) return undefined;
  const all = new Set(values.map((value) => booleanOf(key, value)));
  if (all.size > 1) throw invalid(`invalid filter '${key}=${values.join(",")}': both true and false`);
  return [...all][0];
}

function booleanOf(key: string, value: string): boolean {
  if (["1", "true"].includes(value)) return true;
  if (["0", "false"].includes(value)) return false;
  throw invalid(`invalid filter '${key}=${value}': must be true or false`);
}
