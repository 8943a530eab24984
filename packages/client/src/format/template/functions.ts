import { compare, equal } from "./compare.ts";
import { FunctionError } from "./function-error.ts";
import { toJson } from "./json.ts";
import { sprint, sprintf, sprintln } from "./printf.ts";
import { formatValue, isMap, isObject, isTrue, JsonNumber, nilInterface, typeName } from "./values.ts";

export { FunctionError } from "./function-error.ts";

/** Go's type of a parameter; "value" is reflect.Value, "any" interface {}. */
export type ParameterType = "any" | "value" | "string" | "int" | "[]string";

export interface TemplateFunction {
  readonly parameters: readonly ParameterType[];
  /** The type of further arguments, of a variadic function. */
  readonly rest?: ParameterType;
  /** Its arguments have the types of the parameters. @throws FunctionError */
  readonly call: (...args: never[]) => unknown;
}

const declare = (
  parameters: readonly ParameterType[],
  call: (...args: never[]) => unknown,
  rest?: ParameterType,
): TemplateFunction => ({ parameters, call, ...(rest ? { rest } : {}) });

const builtins: Readonly<Record<string, TemplateFunction>> = {
  // The evaluator evaluates the arguments of these two one by one.
  and: declare(["value"], () => undefined, "value"),
  or: declare(["value"], () => undefined, "value"),
  call: declare(["value"], callFunction, "value"),
  len: declare(["value"], length),
  index: declare(["value"], index, "value"),
  slice: declare(["value"], slice, "value"),
  not: declare(["value"], (value: unknown) => !isTrue(value)),
  eq: declare(["value"], equalToAny, "value"),
  ne: declare(["value", "value"], (a: unknown, b: unknown) => !equalToAny(a, b)),
  lt: declare(["value", "value"], (a: unknown, b: unknown) => compare(a, b) < 0),
  le: declare(["value", "value"], (a: unknown, b: unknown) => compare(a, b) <= 0),
  gt: declare(["value", "value"], (a: unknown, b: unknown) => compare(a, b) > 0),
  ge: declare(["value", "value"], (a: unknown, b: unknown) => compare(a, b) >= 0),
  print: declare([], (...args: unknown[]) => sprint(args), "any"),
  println: declare([], (...args: unknown[]) => sprintln(args), "any"),
  printf: declare(["string"], (format: string, ...args: unknown[]) => sprintf(format, args), "any"),
  html: declare(
    [],
    (...args: unknown[]) => textOf(args).replace(/[&<>"'\0]/g, (char) => htmlEscapes[char] ?? char),
    "any",
  ),
  urlquery: declare([], (...args: unknown[]) => urlQuery(textOf(args)), "any"),
  js: declare([], (...args: unknown[]) => escapeJs(textOf(args)), "any"),
};

/** The functions that docker adds to Go's own. */
const additions: Readonly<Record<string, TemplateFunction>> = {
  json: declare(["any"], toJson),
  split: declare(["string", "string"], (value: string, by: string) => (by === "" ? [...value] : value.split(by))),
  join: declare(["[]string", "string"], (list: unknown[], by: string) => list.map(formatValue).join(by)),
  title: declare(["string"], titled),
  lower: declare(["string"], (value: string) => value.toLowerCase()),
  upper: declare(["string"], (value: string) => value.toUpperCase()),
  pad: declare(["string", "int", "int"], pad),
  truncate: declare(["string", "int"], truncate),
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

const unchanged = (value: unknown): unknown => value;

/** The functions in a table's header row: those that change a value leave the header's text unchanged, but for `pad`. */
export const headerFunctions: ReadonlyMap<string, TemplateFunction> = new Map([
  ...templateFunctions,
  ...["json", "title", "lower", "upper"].map((name): [string, TemplateFunction] => [
    name,
    declare(["string"], unchanged),
  ]),
  ...["split", "join"].map((name): [string, TemplateFunction] => [name, declare(["string", "string"], unchanged)]),
  ["truncate", declare(["string", "int"], unchanged)],
]);

/** The text of all arguments together: one string as it is, others as fmt.Sprint has them. */
function textOf(args: readonly unknown[]): string {
  return args.length === 1 && typeof args[0] === "string" ? args[0] : sprint(args);
}

function callFunction(value: unknown, ...rest: unknown[]): never {
  const { text } = rest.at(-1) as { text: string };
  if (value === undefined || value === nilInterface) throw new FunctionError("call of nil");
  throw new FunctionError(`non-function ${text} of type ${typeName(value)}`);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === nilInterface;
}

function length(value: unknown): number {
  if (isNothing(value)) throw new FunctionError("reflect: call of reflect.Value.Type on zero Value");
  if (value === null) throw new FunctionError("len of nil pointer");
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof JsonNumber) return value.text.length;
  if (Array.isArray(value)) return value.length;
  if (isObject(value) && isMap(value)) return Object.keys(value).length;
  throw new FunctionError(`len of type ${typeName(value)}`);
}

function index(value: unknown, ...keys: unknown[]): unknown {
  if (isNothing(value)) throw new FunctionError("index of untyped nil");
  return keys.reduce(indexOne, value);
}

function indexOne(value: unknown, key: unknown): unknown {
  if (value === null || isNothing(value)) throw new FunctionError("index of nil pointer");
  if (Array.isArray(value) || typeof value === "string") {
    const items = typeof value === "string" ? Buffer.from(value) : value;
    const at = indexNumber(key, items.length);
    if (at === items.length)
      throw new FunctionError(`reflect: ${typeof value === "string" ? "string" : "slice"} index out of range`);
    return items[at];
  }
  if (isObject(value) && isMap(value)) {
    if (isNothing(key)) throw new FunctionError("value is nil; should be of type string");
    if (typeof key !== "string") throw new FunctionError(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : zeroOf(value);
  }
  throw new FunctionError(`can't index item of type ${typeName(value)}`);
}

function indexNumber(key: unknown, limit: number): number {
  if (isNothing(key)) throw new FunctionError("cannot index slice/array with nil");
  if (typeof key !== "number" || !Number.isInteger(key))
    throw new FunctionError(`cannot index slice/array with type ${typeName(key)}`);
  if (key < 0 || key > limit) throw new FunctionError(`index out of range: ${key}`);
  return key;
}

/** The value of a missing key of a map: an empty string for a map of strings, else no value. */
function zeroOf(map: Record<string, unknown>): unknown {
  return Object.values(map).every((value) => typeof value === "string") ? "" : undefined;
}

function slice(value: unknown, ...bounds: unknown[]): unknown {
  if (isNothing(value)) throw new FunctionError("slice of untyped nil");
  if (bounds.length > 3) throw new FunctionError(`too many slice indexes: ${bounds.length}`);
  const isString = typeof value === "string";
  if (isString && bounds.length === 3) throw new FunctionError("cannot 3-index slice a string");
  if (!isString && !Array.isArray(value)) throw new FunctionError(`can't slice item of type ${typeName(value)}`);
  const items = isString ? Buffer.from(value) : value;
  const [from = 0, to = items.length, capacity = items.length] = bounds.map((bound) =>
    indexNumber(bound, items.length),
  );
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`);
  if (to > capacity) throw new FunctionError(`invalid slice index: ${to} > ${capacity}`);
  return isString ? (items as Buffer).toString("utf8", from, to) : items.slice(from, to);
}

function equalToAny(first: unknown, ...others: unknown[]): boolean {
  if (others.length === 0) throw new FunctionError("missing argument for comparison");
  return others.some((other) => equal(first, other));
}

/** strings.Title: a letter at the beginning, behind space, or behind ASCII other than letters, digits and underscore. */
function titled(value: string): string {
  return value.replace(/(?<=^|[\0-/:-@[-^`{-\x7f]|\s)\p{L}/gu, (letter) => letter.toUpperCase());
}

function pad(value: string, before: number, after: number): string {
  if (before < 0 || after < 0) throw new FunctionError("strings: negative Repeat count");
  return value === "" ? "" : " ".repeat(before) + value + " ".repeat(after);
}

function truncate(value: string, size: number): string {
  const bytes = Buffer.from(value);
  if (bytes.length < size) return value;
  if (size < 0) throw new FunctionError(`runtime error: slice bounds out of range [:${size}]`);
  return bytes.toString("utf8", 0, size);
}

function urlQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** template.JSEscapeString. */
function escapeJs(text: string): string {
  const hex = (char: string): string => {
    const code = char.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  };
  return text.replace(/[\\'"]/g, (char) => `\\${char}`).replace(/[<>&=]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, hex);
}
