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
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isStruct(value);
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
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) && isMap(value) ? Object.keys(value).length > 0 : true;
}

/** A value as `{{ . }}` prints it: fmt.Print of Go. */
export function printValue(value: unknown): string {
  return value === undefined ? "<no value>" : formatValue(value);
}

/** %v of Go's fmt. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  if (typeof value === "string") return value;
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

/** Whole numbers in full, others as Go's %v does: the shortest form, an exponent from 1e21 on. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Number.isSafeInteger(value)) return String(value);
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** Name of a value's type in error messages. */
export function typeName(value: unknown): string {
  if (isStruct(value)) return value.typeName;
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (Array.isArray(value)) return "[]interface {}";
  return value === null || value === undefined ? "nil" : "map[string]interface {}";
}
