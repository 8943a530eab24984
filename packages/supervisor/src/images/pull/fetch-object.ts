import { createHash } from "node:crypto";
import type { Image } from "@gantry/ipc/contracts/supervisor";
import { digestOf, parseDigest, parseReference, withDefaultTag } from "@gantry/oci-spec";
import { invalidArgument, notFound } from "../../errors.ts";
import { plainDescriptor, requireFullName } from "../image-store.ts";
import type { RegistryCall } from "../registry/call.ts";
import { RepositoryClient } from "../registry/client.ts";
import type { Document } from "../registry/document.ts";
import { withContext } from "../registry/error-context.ts";

type Descriptor = Image["target"];

export interface FetchObjectRequest extends RegistryCall {
  readonly name: string;
  readonly digest?: string | undefined;
}

type Write = (chunk: Buffer) => Promise<void>;

/** Streams one object of a registry's repository. @throws RpcError also for a wrong digest */
export async function fetchObject(
  request: FetchObjectRequest,
  { directories, signal, write }: { directories: readonly string[]; signal: AbortSignal; write: Write },
): Promise<Descriptor> {
  requireFullName(request.name);
  const named = withDefaultTag(parseReference(request.name));
  const reference = request.digest === undefined ? named : { ...named, digest: request.digest };
  using repository = new RepositoryClient({ ...request, reference, directories, action: "pull", signal });
  return await withContext(`cannot fetch ${request.digest ? `${request.digest} of ` : ""}${request.name}`, async () => {
    const { digest } = reference;
    if (digest === undefined) return await writeDocument(await repository.target(), write);
    // Blobs first: some registries fail on a request for a manifest with the digest of a layer.
    const size = await repository.blobSize(digest);
    if (size !== undefined) return await writeBlob(repository, { digest, size }, write);
    const document = await repository.manifestIfThere(digest);
    if (document === undefined) throw notFound(`${repository.name} has no ${digest}`);
    requireDigest(digest, digestOf(document.bytes, parseDigest(digest).algorithm));
    return await writeDocument({ ...document, descriptor: { ...document.descriptor, digest } }, write);
  });
}

async function writeDocument({ descriptor, bytes }: Document, write: Write): Promise<Descriptor> {
  await write(bytes);
  return plainDescriptor(descriptor);
}

async function writeBlob(
  repository: RepositoryClient,
  { digest, size }: { digest: string; size: number },
  write: Write,
): Promise<Descriptor> {
  const { algorithm } = parseDigest(digest);
  const descriptor = { mediaType: "application/octet-stream", digest, size };
  const hash = createHash(algorithm);
  let taken = 0;
  await repository.blob(descriptor, {
    get size() {
      return taken;
    },
    write: (chunk) => {
      hash.update(chunk);
      taken += chunk.length;
      return write(chunk);
    },
  });
  requireDigest(digest, `${algorithm}:${hash.digest("hex")}`);
  return descriptor;
}

function requireDigest(digest: string, actual: string): void {
  if (actual !== digest) throw invalidArgument(`wrong digest: it should be ${digest} and is ${actual}`);
}
