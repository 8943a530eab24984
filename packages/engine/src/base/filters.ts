import type { Filters } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "./errors.ts";

/** @throws RpcError InvalidArgument for a key that is not known here */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const key of Object.keys(filters)) {
    if (!known.includes(key)) throw invalid(`invalid filter '${key}'`);
  }
}

/** True when one of the wishes "key" or "key=value" (each of them, for labels) is met. */
export function matchesLabels(labels: Readonly<Record<string, string>>, wishes: readonly string[]): boolean {
  return wishes.every((wish) => {
    const at = wish.indexOf("=");
    if (at < 0) return Object.hasOwn(labels, wish);
    return Object.hasOwn(labels, wish.slice(0, at)) && labels[wish.slice(0, at)] === wish.slice(at + 1);
  });
}

/** A pattern of a name filter: a regular expression, or the bare text when it is none. */
export function namePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  }
}

/** Reads a filter that is true or false; undefined when it is not given. @throws RpcError InvalidArgument */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters[key];
  if (!values || values.length === 0) return undefined;
  const all = new Set(values.map((value) => booleanOf(key, value)));
  if (all.size > 1) throw invalid(`invalid filter '${key}=${values.join(",")}': true and false at once`);
  return [...all][0];
}

function booleanOf(key: string, value: string): boolean {
  if (["1", "true"].includes(value)) return true;
  if (["0", "false"].includes(value)) return false;
  throw invalid(`invalid filter '${key}=${value}': must be true or false`);
}
