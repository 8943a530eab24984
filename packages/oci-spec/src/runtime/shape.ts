/** One error: the JSON path of a value, and the values allowed there. */
export interface SpecProblem {
  /** As in `linux.namespaces[0].type`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

/** Appends the errors of `value` to `problems`. Unknown fields are ignored, as the specification demands. */
export type Shape = (value: unknown, path: string, problems: SpecProblem[]) => void;

/** How a value reads in a message, shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function child(path: string, name: string): string {
  const plain = /^[A-Za-z_][\w.-]*$/.test(name) ? name : JSON.stringify(name);
  return path === "" ? plain : `${path}.${plain}`;
}

function expect(test: (value: unknown) => boolean, allowed: string): Shape {
  return (value, path, problems) => {
    if (!test(value)) problems.push({ path, message: `must be ${allowed}, not ${shown(value)}` });
  };
}

export const text = expect(
  (value) => typeof value === "string" && !value.includes("\0"),
  "a string without NUL characters",
);
export const flag = expect((value) => typeof value === "boolean", "true or false");

/** A whole number; beyond 2^53 JSON has lost digits already, which does no harm to limits. */
export function integer(minimum: number, maximum: number): Shape {
  return expect(
    (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
    `a whole number from ${minimum} to ${maximum}`,
  );
}
export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffffffff);
export const int32 = integer(-0x80000000, 0x7fffffff);
export const uint64 = integer(0, 2 ** 64);
export const int64 = integer(-(2 ** 63), 2 ** 63);

export function oneOf(values: readonly string[]): Shape {
  return expect((value) => typeof value === "string" && values.includes(value), `one of ${values.join(", ")}`);
}

export function pattern(regex: RegExp, allowed: string): Shape {
  return expect((value) => typeof value === "string" && regex.test(value), allowed);
}

export function list(item: Shape): Shape {
  return (value, path, problems) => {
    if (!Array.isArray(value)) problems.push({ path, message: `must be an array, not ${shown(value)}` });
    else for (const [index, entry] of value.entries()) item(entry, `${path}[${index}]`, problems);
  };
}

export function map(item: Shape): Shape {
  return (value, path, problems) => {
    if (!isRecord(value)) problems.push({ path, message: `must be an object, not ${shown(value)}` });
    else for (const [key, entry] of Object.entries(value)) item(entry, child(path, key), problems);
  };
}

/** An object; names that end in "!" must be there. */
export function record(fields: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(fields).map(([key, shape]) => ({
    name: key.replace(/!$/, ""),
    required: key.endsWith("!"),
    shape,
  }));
  return (value, path, problems) => {
    if (!isRecord(value)) {
      problems.push({ path, message: `must be an object, not ${shown(value)}` });
      return;
    }
    for (const { name, required, shape } of entries) {
      const entry = value[name];
      if (entry !== undefined && entry !== null) shape(entry, child(path, name), problems);
      else if (required) problems.push({ path: child(path, name), message: "is missing" });
    }
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
