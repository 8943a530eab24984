import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  digestOf,
  type ImageDescriptor,
  isIndexType,
  manifestAccept,
  parseDigest,
  parseIndex,
  parseManifest,
  parseReference,
  withDefaultTag,
} from "@gantry/oci-spec";
import { invalidArgument, notFound } from "../errors.ts";
import { plainDescriptor, requireFullName, sourcesOf } from "./image-store.ts";
import { refOf, shortDigest } from "./progress.ts";
import type { PullParts } from "./pull.ts";
import { subjectOf } from "./push-plan.ts";
import type { RegistryCall } from "./registry/call.ts";
import { type Document, RepositoryClient } from "./registry/client.ts";
import { putManifest } from "./registry/manifests.ts";
import { Uploader } from "./registry/upload.ts";
import { inWords } from "./registry/words.ts";

export interface FetchObjectRequest extends RegistryCall {
  readonly name: string;
  readonly digest?: string | undefined;
}

type Descriptor = ReturnType<typeof plainDescriptor>;
type Write = (chunk: Buffer) => Promise<void>;

/** Gives one object of a registry's repository, bytes as they come. @throws RpcError also when they are not its own */
export async function fetchObject(
  request: FetchObjectRequest,
  { directories, signal, write }: { directories: readonly string[]; signal: AbortSignal; write: Write },
): Promise<Descriptor> {
  requireFullName(request.name);
  const named = withDefaultTag(parseReference(request.name));
  const reference = request.digest === undefined ? named : { ...named, digest: request.digest };
  using repository = new RepositoryClient({ ...request, reference, directories, action: "pull", signal });
  return await inWords(`cannot fetch ${request.digest ? `${request.digest} of ` : ""}${request.name}`, async () => {
    const { digest } = reference;
    if (digest === undefined) return await writeDocument(await repository.target(), write);
    // Blobs first: some registries fail when they are asked for a manifest and the digest is a layer's.
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

export interface PushObjectRequest extends RegistryCall {
  readonly namespace: string;
  readonly name: string;
  readonly digest: string;
  readonly mediaType: string;
}

interface Pushed {
  readonly target: Descriptor;
  readonly pushed: boolean;
}

/** Brings one object of the content store to a registry's repository. */
export async function pushObject(parts: PullParts, request: PushObjectRequest, signal: AbortSignal): Promise<Pushed> {
  const { namespace, name, digest, mediaType } = request;
  requireFullName(name);
  const { images, directories } = parts;
  const { content, leases } = images.stores;
  using lease = leases.hold();
  lease.add(digest);
  const { size } = content.info(namespace, digest);
  const target = { mediaType, digest, size };
  const reference = withDefaultTag(parseReference(name));
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw invalidArgument(`what is pushed to ${name} has another digest: ${digest}`);
  }
  using repository = new RepositoryClient({ ...request, reference, directories, action: "push", signal });
  return await inWords(`cannot push ${digest} to ${name}`, async () => {
    const isDocument = manifestAccept.includes(mediaType);
    const pushed = isDocument
      ? await pushDocument(repository, target, content.readAll(namespace, digest))
      : await pushBlob(parts, repository, { namespace, descriptor: target });
    images.noteSource(namespace, digest, name);
    return { target, pushed };
  });
}

async function pushDocument(repository: RepositoryClient, descriptor: Descriptor, bytes: Uint8Array): Promise<true> {
  const subject = subjectOf(isIndexType(descriptor.mediaType) ? parseIndex(bytes) : parseManifest(bytes));
  await putManifest(repository, { descriptor, bytes, subject }, repository.reference.tag ?? descriptor.digest);
  return true;
}

/** @returns false when the registry had it */
async function pushBlob(
  { images, progress }: PullParts,
  repository: RepositoryClient,
  { namespace, descriptor }: { namespace: string; descriptor: ImageDescriptor },
): Promise<boolean> {
  const { content } = images.stores;
  const { digest, size } = descriptor;
  const { domain, path: own } = repository.reference;
  const path = content.path(digest);
  const id = shortDigest(digest);
  const { kind } = await new Uploader(repository, await repository.pushEndpoint()).blob({
    descriptor,
    mountFrom: sourcesOf(content.info(namespace, digest).labels, domain).filter((other) => other !== own),
    open: (start, length) => createReadStream(path, { start, end: start + length - 1 }),
    report: (sent) => progress.amount({ status: "Pushing", id, ref: refOf(descriptor), current: sent, total: size }),
  });
  progress.layer(descriptor, kind === "exists" ? "Layer already exists" : "Pushed", id);
  return kind !== "exists";
}
