import type { Readable } from "node:stream";
import type { ImageDescriptor } from "@gantry/oci-spec";
import { invalidArgument, isNotFound } from "../../errors.ts";
import type { RepositoryClient } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HttpResponse } from "./http.ts";
import { retrying, TransientError } from "./retry.ts";

/** A blob to be pushed. */
export interface UploadSource {
  readonly descriptor: ImageDescriptor;
  /** Opens a range of the bytes. */
  open(start: number, length: number): Readable;
  /** Repositories of the same registry that may have the blob. */
  readonly mountFrom: readonly string[];
  /** Called with the number of bytes that were sent. */
  report(bytes: number): void;
}

export type UploadResult = { readonly kind: "exists" | "pushed" } | { readonly kind: "mounted"; readonly from: string };

/** Larger blobs are sent in pieces: a broken connection loses at most one of them. */
const pieceBytes = 32 << 20;
/** Responses of registries that take a blob only as a whole. */
const statusesWithoutPieces: readonly number[] = [400, 404, 405, 411, 415, 416, 501];

/** Uploads blobs to one repository (distribution-spec, "Push"). */
export class Uploader {
  readonly #repository: RepositoryClient;
  readonly #endpoint: Endpoint;

  constructor(repository: RepositoryClient, endpoint: Endpoint) {
    this.#repository = repository;
    this.#endpoint = endpoint;
  }

  /** Ensures that the repository has a blob: it exists, or is mounted from another repository, or is uploaded. */
  async blob(source: UploadSource): Promise<UploadResult> {
    const { digest } = source.descriptor;
    if (await this.#has(digest)) return { kind: "exists" };
    for (const from of source.mountFrom) if (await this.#mount(digest, from)) return { kind: "mounted", from };
    if (source.descriptor.size > pieceBytes && (await this.#inPieces(source))) return { kind: "pushed" };
    await this.#whole(source);
    return { kind: "pushed" };
  }

  async #has(digest: string): Promise<boolean> {
    return await retrying(this.#repository.signal, async () => {
      const response = await this.#send("HEAD", `blobs/${digest}`);
      response.body.resume();
      if (response.status === 200) return true;
      if (response.status === 404) return false;
      throw await this.#refused(response);
    });
  }

  /** @returns false when the other repository cannot be read or lacks the blob: then it is uploaded */
  async #mount(digest: string, from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const scope = `${this.#repository.scope} repository:${from}:pull`;
    const target = `${this.#repository.reference.path}/blobs/uploads/?${query}`;
    const headers = { "content-length": "0" };
    const response = await retrying(this.#repository.signal, () =>
      this.#endpoint.send({ method: "POST", target, headers, scope }),
    );
    response.body.resume();
    if (response.status === 202) await this.#cancel(response.headers.location);
    return response.status === 201;
  }

  async #startUpload(): Promise<URL> {
    const response = await this.#send("POST", "blobs/uploads/", { "content-length": "0" });
    if (response.status !== 202) throw await this.#refused(response);
    response.body.resume();
    return this.#endpoint.locate(response.headers.location);
  }

  async #whole(source: UploadSource): Promise<void> {
    const { descriptor } = source;
    await retrying(this.#repository.signal, async () => {
      const url = await this.#startUpload();
      const response = await this.#put(url, descriptor.digest, {
        headers: { "content-length": String(descriptor.size) },
        body: () => counted(source, 0, descriptor.size),
      });
      if (response.status !== 201) throw await this.#refused(response);
      response.body.resume();
    });
  }

  /** @returns false when the registry does not take pieces */
  async #inPieces(source: UploadSource): Promise<boolean> {
    const { descriptor } = source;
    const { size } = descriptor;
    let at: { url: URL; offset: number } | undefined;
    return await retrying(this.#repository.signal, async (advanced) => {
      at = at ? await this.#progressOf(at.url) : undefined;
      at ??= { url: await this.#startUpload(), offset: 0 };
      while (at.offset < size) {
        const next = await this.#piece(at, source);
        if (next === undefined) return false;
        at = next;
        advanced();
      }
      const response = await this.#put(at.url, descriptor.digest, { headers: { "content-length": "0" } });
      if (response.status !== 201) throw await this.#refused(response);
      response.body.resume();
      return true;
    });
  }

  async #piece(
    { url, offset }: { url: URL; offset: number },
    source: UploadSource,
  ): Promise<{ url: URL; offset: number } | undefined> {
    const length = Math.min(pieceBytes, source.descriptor.size - offset);
    const response = await this.#endpoint.send({
      method: "PATCH",
      target: url,
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(length),
        "content-range": `${offset}-${offset + length - 1}`,
      },
      body: () => counted(source, offset, length),
      scope: this.#repository.scope,
    });
    if (response.status === 202) {
      response.body.resume();
      return { url: this.#endpoint.locate(response.headers.location), offset: offset + length };
    }
    if (offset === 0 && statusesWithoutPieces.includes(response.status)) {
      response.body.resume();
      await this.#cancel(url.href);
      return undefined;
    }
    throw await this.#refused(response);
  }

  /** The offset of an interrupted upload; undefined when the registry does not know it any more. */
  async #progressOf(url: URL): Promise<{ url: URL; offset: number } | undefined> {
    const response = await this.#endpoint.send({ method: "GET", target: url, scope: this.#repository.scope });
    response.body.resume();
    if (response.status !== 204) return undefined;
    const last = /^(?:bytes=)?0-(\d+)$/.exec(String(response.headers.range ?? ""))?.[1];
    const location = response.headers.location;
    // "0-0" is sent both for no byte and for one byte.
    const offset = last === undefined || last === "0" ? undefined : Number(last) + 1;
    return offset === undefined ? undefined : { url: location ? this.#endpoint.locate(location) : url, offset };
  }

  /** Cancels an upload. A failure is ignored: registries remove abandoned uploads themselves. */
  async #cancel(location: string | undefined): Promise<void> {
    try {
      const target = this.#endpoint.locate(location);
      const response = await this.#endpoint.send({ method: "DELETE", target, scope: this.#repository.scope });
      response.body.resume();
    } catch (error) {
      if (this.#repository.signal.aborted) throw error;
    }
  }

  async #put(
    url: URL,
    digest: string,
    request: { headers: Record<string, string>; body?: () => Readable },
  ): Promise<HttpResponse> {
    const target = new URL(url);
    target.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream", ...request.headers };
    return await this.#endpoint.send({ ...request, method: "PUT", target, headers, scope: this.#repository.scope });
  }

  #send(method: "HEAD" | "POST", path: string, headers: Record<string, string> = {}): Promise<HttpResponse> {
    return this.#repository.send(this.#endpoint, { method, path, headers });
  }

  async #refused(response: HttpResponse): Promise<Error> {
    const error = await this.#repository.refused(this.#endpoint, response, `${this.#repository.name} lost the upload`);
    // An upload that the registry does not know any more is started again.
    return isNotFound(error) ? new TransientError(error.message) : error;
  }
}

/** @throws RpcError when the registry has stored other bytes */
export function requireSameDigest(response: HttpResponse, digest: string): void {
  const actual = response.headers["docker-content-digest"];
  const isComparable = typeof actual === "string" && actual.split(":")[0] === digest.split(":")[0];
  if (isComparable && actual !== digest) {
    throw invalidArgument(`wrong digest: the registry has stored ${actual} instead of ${digest}`);
  }
}

function counted(source: UploadSource, start: number, length: number): Readable {
  const stream = source.open(start, length);
  let sent = start;
  stream.on("data", (chunk: Buffer) => {
    sent += chunk.length;
    source.report(sent);
  });
  return stream;
}
