import { messageOfIssue, pathOfIssue } from "@gantry/common/schema-issue";
import * as v from "valibot";
import type { Schema } from "../../contracts/define.ts";
import { asErrorCode, RpcError } from "../../contracts/errors.ts";
import { decode, encode } from "./codec.ts";

/**
 * Decodes a body and checks it against its schema.
 * @throws RpcError InvalidArgument whose message and data name the path of the field that failed
 */
export function checkBody(schema: Schema, body: Uint8Array | undefined, what: string): unknown {
  let value: unknown;
  try {
    value = body === undefined || body.length === 0 ? {} : decode(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RpcError("InvalidArgument", `${what}: the body cannot be decoded: ${reason}`);
  }
  // Only the first issue is reported: a hostile body could have a million.
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw invalid(result.issues[0], what);
}

function invalid(issue: v.BaseIssue<unknown>, what: string): RpcError {
  const path = pathOfIssue(issue);
  const where = path === "" ? what : path;
  return new RpcError("InvalidArgument", `${where}: ${messageOfIssue(issue)}`, { path, in: what });
}

const errorSchema = v.object({
  code: v.string(),
  message: v.string(),
  data: v.optional(v.record(v.string(), v.unknown())),
});

/** The body of an error message; data that cannot travel is left out. */
export function encodeError(error: RpcError): Uint8Array {
  const { code, message, data } = error;
  try {
    return encode({ code, message, data });
  } catch {
    return encode({ code, message });
  }
}

/** Reads the body of an error message; a code that this side does not know becomes Internal. */
export function decodeError(body: Uint8Array | undefined): RpcError {
  try {
    const { code, message, data } = v.parse(errorSchema, decode(body ?? new Uint8Array()));
    return new RpcError(asErrorCode(code) ?? "Internal", message, data);
  } catch {
    return new RpcError("Internal", "the peer answered with an error that cannot be read");
  }
}

/** Any failure as an RpcError; one of another kind becomes Internal and keeps its cause. */
export function asRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RpcError("Internal", message, undefined, { cause: error });
}
