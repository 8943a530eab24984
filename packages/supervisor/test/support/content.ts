import { digestOf } from "@gantry/oci-spec";
import type { Stack } from "./stack.ts";

/** Stores bytes as a blob. @returns its digest */
export async function writeContent(
  stack: Stack,
  namespace: string,
  bytes: Uint8Array,
  options: { readonly labels?: Record<string, string>; readonly lease?: string } = {},
): Promise<string> {
  const digest = digestOf(bytes);
  const stream = stack.client.open("content.write", { namespace, digest, ...options });
  await stream.send({}, bytes);
  stream.end();
  await stream.result;
  return digest;
}
