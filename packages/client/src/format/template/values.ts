/** How Go sees the values that a template is given. `undefined` is "no value", `null` is nil. */

/** A value of a Go struct type: an unknown field is an error. */
export interface StructView {
  readonly [structMark]: true;
  /** Go's name of the type, for error messages. */
  readonly typeName: string;
  /** Names in the order in which they are printed. */
  readonly names: readonly string[];
  get(name: string): unknown;
}

const structMark = Symbol("struct");

/** A struct whose fields (or methods without arguments) are computed on access. */
export function structView(typeName: string, fields: Readonly<Record<string, () => unknown>>): StructView {
  return { [structMark]: true, typeName, names: Object.keys(fields), get: (name) => fields[name]?.() };
}

/** True for a struct view. */
export function isStruct(value: unknown): value is StructView {
  return typeof value === "object" && value !== null && structMark in value;
}

export type PlainObject = Record<string, unknown>;

/** True for an object that is neither a list nor a struct view. */
export function isObject(value: unknown): value is PlainObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !isStruct(value) &&
    !(value instanceof GoFloat) &&
    !(value instanceof GoComplex) &&
    !(value instanceof JsonNumber)
  );
}

/** A float64 of Go: also one without a fraction, which as a number would be an int. */
export class GoFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A complex128 of Go. */
export class GoComplex {
  readonly real: number;
  readonly imaginary: number;
  constructor(real: number, imaginary: number) {
    this.real = real;
    this.imaginary = imaginary;
  }
  toString(): string {
    const sign = this.imaginary < 0 ? "" : "+";
    return `(${formatFloat(this.real)}${sign}${formatFloat(this.imaginary)}i)`;
  }
}

/** A number of a document that has no Go type: json.Number, which is a string. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A nil interface: a null of a document that has no Go type. */
export const nilInterface: unique symbol = Symbol("nil");

/** A document as Go decodes it without a type: maps of interface {}, json.Number. */
export function untyped(value: unknown): unknown {
  if (value === null || value === undefined) return nilInterface;
  if (typeof value === "number") return new JsonNumber(String(value));
  if (Array.isArray(value)) return markUntyped(value.map(untyped));
  if (!isObject(value)) return value;
  return markMap(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untyped(item)])));
}

const untypedLists = new WeakSet<object>();

function markUntyped<T extends object>(list: T): T {
  untypedLists.add(list);
  return list;
}

const mapMarks = new WeakSet<object>();

/** Marks an object as a Go map: a missing key is "no value" then, not an error, and it prints sorted. */
export function markMap<T extends object>(object: T): T {
  mapMarks.add(object);
  return object;
}

/** True for an object that stands for a Go map. */
export function isMap(value: object): boolean {
  return mapMarks.has(value);
}

const structNames = new WeakMap<object, string>();

/** Names the Go struct that an object stands for, for error messages. */
export function nameStruct<T extends object>(object: T, name: string): T {
  structNames.set(object, name);
  return object;
}

const nilMarks = new WeakSet<object>();

/** Marks an empty list or map as Go's nil one: it prints as empty, and as null in JSON. */
export function markNil<T extends object>(empty: T): T {
  nilMarks.add(empty);
  return empty;
}

/** True for a nil list or map. */
export function isNil(value: object): boolean {
  return nilMarks.has(value);
}

/** Keys of an object: sorted for a map, in their order for a struct. */
export function keysOf(object: PlainObject): string[] {
  const keys = Object.keys(object);
  return isMap(object) ? keys.sort() : keys;
}

/** Go's truth of a value in `if`, `and`, `or`, `not`. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return false;
  if (value === nilInterface || value === 0n) return false;
  if (value instanceof GoFloat) return value.value !== 0;
  if (value instanceof GoComplex) return value.real !== 0 || value.imaginary !== 0;
  if (value instanceof JsonNumber) return value.text !== "";
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) && isMap(value) ? Object.keys(value).length > 0 : true;
}

/** A value as `{{ . }}` prints it: fmt.Print of Go. */
export function printValue(value: unknown): string {
  return value === undefined || value === nilInterface ? "<no value>" : formatValue(value);
}

/** %v of Go's fmt. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null || value === nilInterface) return "<nil>";
  if (typeof value === "string") return value;
  if (value instanceof JsonNumber) return value.text;
  if (value instanceof GoFloat) return formatFloat(value.value);
  if (typeof value === "number") return formatNumber(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  if (isStruct(value)) return `{${value.names.map((name) => formatValue(value.get(name))).join(" ")}}`;
  if (isObject(value)) {
    return isMap(value)
      ? `map[${keysOf(value)
          .map((key) => `${key}:${formatValue(value[key])}`)
          .join(" ")}]`
      : `{${Object.values(value).map(formatValue).join(" ")}}`;
  }
  return String(value);
}

/** Whole numbers in full, others as a float64. */
export function formatNumber(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : formatFloat(value);
}

/** From this exponent on the shortest form of a float64 has one (strconv). */
const shortestExponent = 6;

/** %v of a float64: the shortest form, with an exponent below 1e-4 and from 1e6 on. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const exponential = value.toExponential();
  const exponent = Number(exponential.split("e")[1]);
  if (exponent >= -4 && exponent < shortestExponent) return String(value);
  return exponential.replace(/e([+-])(\d)$/, "e$10$2");
}

/** Name of a value's type in error messages. */
export function typeName(value: unknown): string {
  if (isStruct(value)) return value.typeName;
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (value instanceof GoFloat) return "float64";
  if (value instanceof GoComplex) return "complex128";
  if (value instanceof JsonNumber) return "json.Number";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (Array.isArray(value)) return !untypedLists.has(value) && value.every(isText) ? "[]string" : "[]interface {}";
  if (value === null || value === undefined || value === nilInterface) return "<nil>";
  return structNames.get(value as object) ?? "map[string]interface {}";
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
