import { describeIssue } from "@gantry/common/schema-issue";
import * as v from "valibot";

/** The version of a document that two programs share; a document without the field is of version 1. */
export const formatVersion = v.optional(v.literal(1, "must be 1: a newer program wrote it"), 1);

/**
 * Reads a JSON document that another program, or an earlier version of this one, has written.
 * @param source its file or origin, for the error
 * @throws Error naming the source, and the field that does not match the schema
 */
export function parseDocument<S extends v.GenericSchema>(schema: S, text: string, source: string): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${source} is not JSON`);
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw new Error(`${source}: ${describeIssue(result.issues[0])}`);
}
