import { isRpcError } from "@gantry/ipc/contracts/errors";
import type { Supervisor } from "../supervisor/connect.ts";

/** The store that blobs are read from. */
export interface BlobSource {
  readonly supervisor: Supervisor;
  readonly namespace: string;
}

/** Reads a small blob. @throws RpcError NotFound */
export async function readBlob({ supervisor, namespace }: BlobSource, digest: string): Promise<Buffer> {
  const stream = supervisor.open("content.read", { namespace, digest });
  const chunks: Uint8Array[] = [];
  for await (const { blobs } of stream.items) chunks.push(...blobs);
  await stream.result;
  return Buffer.concat(chunks);
}

/** The same; undefined for a missing blob. */
export async function findBlob(source: BlobSource, digest: string): Promise<Buffer | undefined> {
  try {
    return await readBlob(source, digest);
  } catch (error) {
    if (isRpcError(error, "NotFound")) return undefined;
    throw error;
  }
}
