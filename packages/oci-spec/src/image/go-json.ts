import * as v from "valibot";

type Fields = Readonly<Record<string, unknown>>;

const fields = v.custom<Fields>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

/**
 * An object as Go's encoding/json reads it, which wrote most images: a key matches whatever its case, the last of equal
 * keys counts, and null leaves a field as if it were absent. Fields that `entries` does not have are kept as they are.
 */
export function goObject<T extends v.ObjectEntries>(entries: T) {
  const names = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  const known = (input: Fields): Fields => {
    const result: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(input)) {
      const name = names.get(key.toLowerCase());
      if (name !== undefined && value === null) continue;
      if (name !== undefined || key !== "__proto__") result[name ?? key] = value;
    }
    return result;
  };
  return v.pipe(fields, v.transform(known), v.looseObject(entries));
}

/** A text in a list or a map, where Go reads null as the empty text. */
const text = v.pipe(
  v.nullable(v.string()),
  v.transform((value) => value ?? ""),
);

export const texts = v.array(text);
export const textMap = v.record(v.string(), text);

/** A Go set: {"80/tcp": {}}, whose values may also be null. */
export const set = v.record(
  v.string(),
  v.pipe(
    v.nullable(v.object({})),
    v.transform(() => ({})),
  ),
);

/** A list of arguments, which Docker also takes as a single text (its type StrSlice). */
export const argumentList = v.union([
  texts,
  v.pipe(
    v.string(),
    v.transform((value) => (value === "" ? [] : [value])),
  ),
]);
