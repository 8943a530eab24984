import type { SpecProblem } from "./shape.ts";
import { isRecord } from "./shape.ts";
import type { Spec } from "./types.ts";
import { validateSpec } from "./validate.ts";

/** A configuration that is not one. The message is one line that names every problem. */
export class SpecError extends Error {
  override name = "SpecError";
  readonly problems: readonly SpecProblem[];

  constructor(what: string, problems: readonly SpecProblem[]) {
    super(`${what}: ${problems.map(({ path, message }) => (path ? `${path} ${message}` : message)).join("; ")}`);
    this.problems = problems;
  }
}

/**
 * Reads a configuration from JSON text, or takes a document already read, and checks it.
 * @throws SpecError with all that is wrong
 */
export function parseSpec(input: Uint8Array | string | object): Spec {
  const document = withoutNulls(typeof input === "string" || input instanceof Uint8Array ? readJson(input) : input);
  const problems = validateSpec(document);
  if (problems.length > 0) throw new SpecError("invalid config.json", problems);
  return document as Spec;
}

function readJson(input: Uint8Array | string): unknown {
  const text = typeof input === "string" ? input : Buffer.from(input.buffer, input.byteOffset, input.length).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SpecError("invalid config.json", [{ path: "", message: `not JSON: ${(error as Error).message}` }]);
  }
}

/** Go programs write an absent list or object as null. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== null);
  // A name such as "__proto__" stays one, which assigning it would not do.
  return Object.fromEntries(entries.map(([key, entry]) => [key, withoutNulls(entry)]));
}
