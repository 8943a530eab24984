import { createReadStream } from "node:fs";
import type { Image } from "@gantry/ipc/contracts/supervisor";
import {
  type ImageDescriptor,
  isIndexType,
  manifestAccept,
  parseIndex,
  parseManifest,
  parseReference,
  withDefaultTag,
} from "@gantry/oci-spec";
import { invalidArgument } from "../../errors.ts";
import { requireFullName, sourcesOf } from "../image-store.ts";
import { refOf, shortDigest } from "../progress.ts";
import type { RegistryCall } from "../registry/call.ts";
import { RepositoryClient } from "../registry/client.ts";
import { withContext } from "../registry/error-context.ts";
import { putManifest } from "../registry/manifests.ts";
import type { RegistryTransfer } from "../registry/transfer.ts";
import { Uploader } from "../registry/upload.ts";
import { subjectOf } from "./plan.ts";

type Descriptor = Image["target"];

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

/** Pushes one object of the content store to a registry's repository. */
export async function pushObject(
  parts: RegistryTransfer,
  request: PushObjectRequest,
  signal: AbortSignal,
): Promise<Pushed> {
  const { namespace, name, digest, mediaType } = request;
  requireFullName(name);
  const { images, directories } = parts;
  const { content, leases } = images.stores;
  using lease = leases.acquire();
  lease.add(digest);
  const { size } = content.info(namespace, digest);
  const target = { mediaType, digest, size };
  const reference = withDefaultTag(parseReference(name));
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw invalidArgument(`the object has another digest than ${name}: ${digest}`);
  }
  using repository = new RepositoryClient({ ...request, reference, directories, action: "push", signal });
  return await withContext(`cannot push ${digest} to ${name}`, async () => {
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

/** @returns false when the registry had the blob already */
async function pushBlob(
  { images, progress }: RegistryTransfer,
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
