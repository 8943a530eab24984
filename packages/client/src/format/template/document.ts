import { isObject, markMap, markNil, nameStruct, type PlainObject } from "./values.ts";

/** Fields of the Docker API that are Go maps: their keys are data, not names of fields. */
const mapFields = new Set([
  "Annotations",
  "Containers",
  "DriverOpts",
  "ExposedPorts",
  "Labels",
  "Networks",
  "Options",
  "PortBindings",
  "Ports",
  "StorageOpt",
  "Sysctls",
  "Tmpfs",
  "Volumes",
]);

/** Fields that are pointers: absent or null, they are nil. */
const nilPointers = new Set(["Health", "Healthcheck", "Init", "OomKillDisable", "PidsLimit", "IPAMConfig"]);

/**
 * A document of the engine as Go's types would show it to a template: maps are distinguished from structs,
 * null lists and maps are empty ones, a container's absent Health is nil. The document itself is left as it is.
 */
export function typedDocument(document: PlainObject, structName = "struct"): PlainObject {
  const typed = nameStruct(typedObject(document), structName);
  const state = typed["State"];
  // A template can use it, but it is not part of the printed document.
  if (isObject(state) && !("Health" in state)) {
    Object.defineProperty(state, "Health", { value: null, enumerable: false });
  }
  return typed;
}

function typedObject(object: PlainObject): PlainObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, typedValue(name, value)]));
}

function typedValue(name: string, value: unknown): unknown {
  if (value === null) {
    if (nilPointers.has(name)) return null;
    return markNil(mapFields.has(name) ? markMap({}) : []);
  }
  if (Array.isArray(value)) return value.map((item) => typedValue("", item));
  if (!isObject(value)) return value;
  if (!isMapLike(name, value)) return typedObject(value);
  return markMap(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapItem(item)])));
}

/** The value of a map's key; a nil list stays an empty list. */
function mapItem(value: unknown): unknown {
  return value === null ? markNil([]) : typedValue("", value);
}

/** Names of struct fields begin with a capital letter, so an object with any other key is a map. */
function isMapLike(name: string, object: PlainObject): boolean {
  return mapFields.has(name) || Object.keys(object).some((key) => !/^[A-Z]/.test(key));
}
