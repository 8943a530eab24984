import { createReadStream } from "node:fs";
import { Semaphore } from "@gantry/common/semaphore";
import { isRpcError } from "@gantry/ipc";
import { type ImageDescriptor, parseReference, type Reference, withDefaultTag } from "@gantry/oci-spec";
import { inContext, invalidArgument } from "../../errors.ts";
import { plainDescriptor, requireFullName, sourcesOf } from "../image-store.ts";
import { refOf } from "../progress.ts";
import type { RegistryCall } from "../registry/call.ts";
import { RepositoryClient } from "../registry/client.ts";
import { afterRetries } from "../registry/error-context.ts";
import { putManifest } from "../registry/manifests.ts";
import type { RegistryTransfer } from "../registry/transfer.ts";
import { Uploader, type UploadResult } from "../registry/upload.ts";
import { type PushBlob, type PushDocument, type PushPlan, planPush } from "./plan.ts";

export interface PushRequest extends RegistryCall {
  readonly namespace: string;
  readonly name: string;
  readonly source?: string | undefined;
  readonly target?: ImageDescriptor | undefined;
  readonly platform?: string | undefined;
  readonly allPlatforms?: boolean | undefined;
  readonly referrers?: boolean | undefined;
  readonly nonDistributable?: boolean | undefined;
  readonly parallel?: number | undefined;
}

const parallelLayers = 5;

/** Pushes an image to a registry. @returns descriptor of the name's target there */
export async function pushImage(
  parts: RegistryTransfer,
  request: PushRequest,
  signal: AbortSignal,
): Promise<ReturnType<typeof plainDescriptor>> {
  requireFullName(request.name);
  const { images } = parts;
  const { namespace, name } = request;
  const image = images.get(namespace, request.source ?? name);
  const stopped = new AbortController();
  using lease = images.stores.leases.acquire();
  lease.add(image.target.digest, request.target?.digest ?? image.target.digest);
  try {
    const plan = await planPush(images, { ...request, target: request.target ?? image.target });
    lease.add(...[...plan.blobs, ...plan.documents].map(({ descriptor }) => descriptor.digest));
    await new Push(parts, request, plan, AbortSignal.any([signal, stopped.signal])).run();
    return plainDescriptor(plan.target);
  } catch (error) {
    stopped.abort(error); // ends the other uploads
    const cause = afterRetries(error);
    if (isRpcError(cause) && cause.message.includes(name)) throw cause;
    throw inContext(cause, `cannot push ${name}`);
  }
}

class Push {
  readonly #parts: RegistryTransfer;
  readonly #request: PushRequest;
  readonly #plan: PushPlan;
  readonly #reference: Reference;
  readonly #repository: RepositoryClient;

  constructor(parts: RegistryTransfer, request: PushRequest, plan: PushPlan, signal: AbortSignal) {
    this.#parts = parts;
    this.#request = request;
    this.#plan = plan;
    const reference = withDefaultTag(parseReference(request.name));
    const { digest } = reference;
    if (digest !== undefined && digest !== plan.target.digest) {
      throw invalidArgument(`the image has another digest than ${request.name}: ${plan.target.digest}`);
    }
    this.#reference = reference;
    const { directories } = parts;
    this.#repository = new RepositoryClient({ ...request, reference, directories, action: "push", signal });
  }

  async run(): Promise<void> {
    using repository = this.#repository;
    const endpoint = await repository.pushEndpoint();
    await this.#pushBlobs(new Uploader(repository, endpoint));
    const { documents, referrers, target } = this.#plan;
    for (const document of documents) {
      const isTarget = document.descriptor.digest === target.digest;
      await this.#pushDocument(document, isTarget ? (this.#reference.tag ?? target.digest) : undefined);
    }
    for (const document of referrers) await this.#pushDocument(document);
  }

  async #pushBlobs(uploader: Uploader): Promise<void> {
    const { progress } = this.#parts;
    const uploads = new Semaphore(this.#request.parallel ?? parallelLayers);
    // Docker shows the topmost layer first.
    const blobs = this.#plan.blobs.toReversed();
    for (const { id, descriptor } of blobs) if (id !== undefined) progress.layer(descriptor, "Preparing", id);
    const pushes = blobs.map(async (blob) => {
      if (uploads.isFull && blob.id !== undefined) progress.layer(blob.descriptor, "Waiting", blob.id);
      await uploads.run(() => this.#pushBlob(uploader, blob));
    });
    try {
      await Promise.all(pushes);
    } catch (error) {
      void Promise.allSettled(pushes); // the signal ends them
      throw error;
    }
  }

  async #pushBlob(uploader: Uploader, { descriptor, id }: PushBlob): Promise<void> {
    const { images, progress } = this.#parts;
    const { namespace, name } = this.#request;
    const { digest, size } = descriptor;
    const path = images.stores.content.path(digest);
    const result = await uploader.blob({
      descriptor,
      mountFrom: this.#otherRepositories(digest),
      open: (start, length) =>
        createReadStream(path, {
          start,
          end: start + length - 1,
          highWaterMark: Math.min(1 << 20, Math.max(length, 1)),
        }),
      report: (sent) => {
        if (id !== undefined)
          progress.amount({ status: "Pushing", id, ref: refOf(descriptor), current: sent, total: size });
      },
    });
    images.noteSource(namespace, digest, name);
    if (id === undefined) progress.about(descriptor, statusOf(result));
    else progress.layer(descriptor, statusOf(result), id);
  }

  async #pushDocument(document: PushDocument, tag = document.descriptor.digest): Promise<void> {
    const { images, progress } = this.#parts;
    await putManifest(this.#repository, document, tag);
    images.noteSource(this.#request.namespace, document.descriptor.digest, this.#request.name);
    progress.about(document.descriptor, "Pushed");
  }

  #otherRepositories(digest: string): string[] {
    const { domain, path } = this.#reference;
    const { labels } = this.#parts.images.stores.content.info(this.#request.namespace, digest);
    return sourcesOf(labels, domain).filter((repository) => repository !== path);
  }
}

function statusOf(result: UploadResult): string {
  if (result.kind === "mounted") return `Mounted from ${result.from}`;
  return result.kind === "exists" ? "Layer already exists" : "Pushed";
}
