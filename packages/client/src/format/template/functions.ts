import { toJson } from "./json.ts";
import { sprint, sprintf, sprintln } from "./printf.ts";
import { formatValue, isMap, isObject, isStruct, isTrue, typeName } from "./values.ts";

export type TemplateFunction = (...args: unknown[]) => unknown;

/** A function was called with invalid arguments; the message is Go's. */
export class FunctionError extends Error {
  override name = "FunctionError";
}

const builtins: Readonly<Record<string, TemplateFunction>> = {
  len: (...args) => length(one("len", args)),
  index: (...args) => index(args),
  slice: (...args) => slice(args),
  not: (...args) => !isTrue(one("not", args)),
  eq: (...args) => equalToAny(args),
  ne: (...args) => !equal(...two("ne", args)),
  lt: (...args) => compare(...two("lt", args)) < 0,
  le: (...args) => compare(...two("le", args)) <= 0,
  gt: (...args) => compare(...two("gt", args)) > 0,
  ge: (...args) => compare(...two("ge", args)) >= 0,
  print: (...args) => sprint(args),
  println: (...args) => sprintln(args),
  printf: (...args) => sprintf(text("printf", args[0]), args.slice(1)),
  html: (...args) => sprint(args).replace(/[&<>"'\0]/g, (char) => htmlEscapes[char] ?? char),
  urlquery: (...args) => encodeURIComponent(sprint(args)).replaceAll("%20", "+"),
  js: (...args) => JSON.stringify(sprint(args)).slice(1, -1).replaceAll("'", "\\'"),
  // Both stop at the first deciding argument; the evaluator passes the arguments one by one.
  and: (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
};

/** The functions that docker adds to Go's own. */
const additions: Readonly<Record<string, TemplateFunction>> = {
  json: (...args) => toJson(one("json", args)),
  split: (...args) => text("split", args[0]).split(text("split", args[1])),
  join: (...args) => join(args),
  title: (...args) => text("title", args[0]).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (word) => word.toUpperCase()),
  lower: (...args) => text("lower", args[0]).toLowerCase(),
  upper: (...args) => text("upper", args[0]).toUpperCase(),
  pad: (...args) => pad(args),
  truncate: (...args) => text("truncate", args[0]).slice(0, Number(args[1])),
};

const htmlEscapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\uFFFD",
};

export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({ ...builtins, ...additions }),
);

/** The functions in a table's header row: those that change a value leave the header's text unchanged. */
export const headerFunctions: ReadonlyMap<string, TemplateFunction> = new Map([
  ...templateFunctions,
  ...["json", "title", "lower", "upper", "truncate", "split", "join", "pad"].map((name): [string, TemplateFunction] => [
    name,
    (value) => value,
  ]),
]);

function one(name: string, args: readonly unknown[]): unknown {
  if (args.length !== 1) throw new FunctionError(`wrong number of args for ${name}: want 1 got ${args.length}`);
  return args[0];
}

function two(name: string, args: readonly unknown[]): [unknown, unknown] {
  if (args.length !== 2) throw new FunctionError(`wrong number of args for ${name}: want 2 got ${args.length}`);
  return [args[0], args[1]];
}

function text(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new FunctionError(`wrong type for value of ${name}; expected string; got ${typeName(value)}`);
}

function length(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw new FunctionError(value == null ? "len of nil pointer" : `len of type ${typeName(value)}`);
}

function index(args: readonly unknown[]): unknown {
  if (args.length === 0) throw new FunctionError("wrong number of args for index: want at least 1 got 0");
  return args.slice(1).reduce((value: unknown, key) => indexOne(value, key), args[0]);
}

function indexOne(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null) throw new FunctionError("index of untyped nil");
  if (Array.isArray(value) || typeof value === "string") {
    if (typeof key !== "number") throw new FunctionError(`cannot index slice/array with type ${typeName(key)}`);
    if (key < 0 || key >= value.length) throw new FunctionError(`index out of range: ${key}`);
    return typeof value === "string" ? Buffer.from(value)[key] : value[key];
  }
  if (isObject(value)) {
    if (typeof key !== "string") throw new FunctionError(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : zeroOf(value);
  }
  throw new FunctionError(`can't index item of type ${typeName(value)}`);
}

/** The value of a missing key of a map: an empty string for a map of strings, else no value. */
function zeroOf(map: Record<string, unknown>): unknown {
  return isMap(map) && Object.values(map).every((value) => typeof value === "string") ? "" : undefined;
}

function slice(args: readonly unknown[]): unknown {
  const [value, from, to] = args;
  if (typeof value !== "string" && !Array.isArray(value)) {
    throw new FunctionError(`can't slice item of type ${typeName(value)}`);
  }
  const end = to === undefined ? value.length : Number(to);
  const start = from === undefined ? 0 : Number(from);
  if (end > value.length) throw new FunctionError(`index out of range: ${end}`);
  if (start > end) throw new FunctionError(`invalid slice index: ${start} > ${end}`);
  return value.slice(start, end);
}

function equalToAny(args: readonly unknown[]): boolean {
  if (args.length < 2) throw new FunctionError("missing argument for comparison");
  return args.slice(1).some((other) => equal(args[0], other));
}

function equal(a: unknown, b: unknown): boolean {
  if (a == null || b == null) return (a ?? null) === (b ?? null);
  if (typeof a === "object" || typeof b === "object") {
    throw new FunctionError(`non-comparable type ${formatValue(a)}: ${typeName(a)}`);
  }
  if (typeof a !== typeof b) throw new FunctionError("incompatible types for comparison");
  return a === b;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) throw new FunctionError("incompatible types for comparison");
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : Number(a > b);
  throw new FunctionError("invalid type for comparison");
}

function join(args: readonly unknown[]): string {
  const [list, separator] = args;
  if (list === null) return "";
  if (!Array.isArray(list)) {
    throw new FunctionError(`wrong type for value of join; expected []string; got ${typeName(list)}`);
  }
  return list.map((item) => (isStruct(item) ? formatValue(item) : String(item))).join(text("join", separator));
}

function pad(args: readonly unknown[]): string {
  const value = text("pad", args[0]);
  return value === "" ? "" : " ".repeat(Number(args[1])) + value + " ".repeat(Number(args[2]));
}
