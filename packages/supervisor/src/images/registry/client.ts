import {
  digestOf,
  formatReference,
  type ImageDescriptor,
  isForeignLayerType,
  manifestAccept,
  type Reference,
} from "@gantry/oci-spec";
import { failedPrecondition, invalidArgument, notFound } from "../../errors.ts";
import type { RegistryAuth } from "./auth.ts";
import { type BlobSink, readBody } from "./body.ts";
import { type Document, documentOf, mayBeManifest } from "./document.ts";
import { type ApiRequest, Endpoint } from "./endpoint.ts";
import { requestFailure } from "./failure.ts";
import { type Capability, type RegistryAccess, registryHosts } from "./hosts.ts";
import { type HttpResponse, readSmall } from "./http.ts";
import { refusal } from "./refusal.ts";
import { retrying } from "./retry.ts";

export interface RegistryOptions extends RegistryAccess {
  readonly reference: Reference;
  readonly auth?: RegistryAuth | undefined;
  /** Directories with HOST/hosts.toml or HOST/*.crt. */
  readonly directories: readonly string[];
  readonly action: "pull" | "push";
  readonly signal: AbortSignal;
}

const maxDocumentBytes = 4 << 20;
/** One repository of a registry and its mirrors, by the distribution API (distribution-spec). */
export class RepositoryClient implements Disposable {
  readonly reference: Reference;
  readonly #options: RegistryOptions;
  #endpoints: Promise<Endpoint[]> | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.reference = options.reference;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** The registry, for messages. */
  get name(): string {
    return `registry ${this.reference.domain}`;
  }

  /** The manifest or index that the reference names. Its digest is checked where the reference has one. */
  async target(): Promise<Document> {
    const { tag, digest } = this.reference;
    if (digest !== undefined) return await this.manifest(digest);
    return await this.#document(tag ?? "latest", "resolve");
  }

  /** A manifest or index by its digest, which is checked. */
  async manifest(digest: string): Promise<Document> {
    const document = await this.#document(digest, "pull");
    const actual = digestOf(document.bytes, digest.startsWith("sha512:") ? "sha512" : "sha256");
    if (actual === digest) return { ...document, descriptor: { ...document.descriptor, digest } };
    throw invalidArgument(`wrong digest: the manifest should be ${digest} and is ${actual}`);
  }

  /** A manifest by its digest; undefined where the registry has none. */
  async manifestIfThere(name: string): Promise<Document | undefined> {
    const path = `manifests/${name}`;
    return await this.over("pull", (endpoint) =>
      retrying(this.signal, async () => {
        const response = await this.send(endpoint, { method: "GET", path, headers: acceptManifests });
        if (response.status === 404) return void response.body.resume();
        return await this.#readDocument(endpoint, response, path);
      }),
    );
  }

  /** Size of a blob in bytes; undefined where the registry has no such blob. */
  async blobSize(digest: string): Promise<number | undefined> {
    const path = `blobs/${digest}`;
    return await this.over("pull", (endpoint) =>
      retrying(this.signal, async () => {
        const response = await this.send(endpoint, { method: "HEAD", path });
        if (response.status === 404) return void response.body.resume();
        if (response.status !== 200) throw await this.refused(endpoint, response, `${this.name} has no ${digest}`);
        response.body.resume();
        const size = Number(response.headers["content-length"]);
        if (Number.isSafeInteger(size)) return size;
        throw invalidArgument(`${this.name} does not report the size of ${digest}`);
      }),
    );
  }

  /**
   * Reads the rest of a blob into a sink. A broken connection is made again and continues at the same offset; when a
   * host fails, the next one is tried.
   */
  async blob(descriptor: ImageDescriptor, sink: BlobSink): Promise<void> {
    const { digest } = descriptor;
    try {
      await this.over("pull", (endpoint) =>
        retrying(this.signal, async (advanced) => {
          const path = `blobs/${digest}`;
          const ask = (headers: Record<string, string>) => this.get(endpoint, path, headers);
          await readBody(ask, { host: endpoint.name, descriptor, sink, signal: this.signal, advanced });
        }),
      );
    } catch (error) {
      const [url] = (isForeignLayerType(descriptor.mediaType) && descriptor.urls) || [];
      if (url === undefined || this.signal.aborted) throw error;
      await this.#foreignBlob(new URL(url), descriptor, sink);
    }
  }

  /** Parses a small response as JSON. @throws RpcError */
  async readJson(response: HttpResponse): Promise<unknown> {
    const bytes = await this.#readSmall(response);
    try {
      return JSON.parse(bytes.toString());
    } catch (error) {
      throw invalidArgument(`the response of ${this.name} is not JSON`, error);
    }
  }

  /** Runs work with each capable host until one succeeds; the failure of the last one is thrown. */
  async over<T>(capability: Capability, work: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    const able = await this.#able(capability);
    const last = able.pop() as Endpoint;
    for (const endpoint of able) {
      try {
        return await work(endpoint);
      } catch (error) {
        if (this.signal.aborted) throw error;
      }
    }
    return await work(last);
  }

  /** The host for uploads. */
  async pushEndpoint(): Promise<Endpoint> {
    return (await this.#able("push"))[0] as Endpoint;
  }

  /** Sends a request about this repository. */
  async send(
    endpoint: Endpoint,
    request: Omit<ApiRequest, "target" | "scope"> & { path: string },
  ): Promise<HttpResponse> {
    const { path, ...rest } = request;
    return await endpoint.send({ ...rest, target: `${this.reference.path}/${path}`, scope: this.scope });
  }

  /** The error for an unsuccessful response. @param absent message for 404 */
  async refused(endpoint: Endpoint, response: HttpResponse, absent: string): Promise<Error> {
    return await refusal(response, {
      action: this.#options.action,
      image: formatReference(this.reference),
      host: endpoint.name,
      hasCredentials: endpoint.isOwn && this.#options.auth !== undefined,
      absent,
    });
  }

  get scope(): string {
    return `repository:${this.reference.path}:${this.#options.action === "push" ? "pull,push" : "pull"}`;
  }

  [Symbol.dispose](): void {
    this.#endpoints?.then(
      (endpoints) => {
        for (const endpoint of endpoints) endpoint[Symbol.dispose]();
      },
      () => {},
    );
  }

  /** The hosts with a capability, at least one. */
  async #able(capability: Capability): Promise<Endpoint[]> {
    this.#endpoints ??= this.#connect();
    const able = (await this.#endpoints).filter(({ capabilities }) => capabilities.has(capability));
    if (able.length === 0) throw failedPrecondition(`no host of ${this.name} is configured to ${capability}`);
    return able;
  }

  async #connect(): Promise<Endpoint[]> {
    const { auth, signal, directories } = this.#options;
    const hosts = await registryHosts(this.reference.domain, this.#options, directories);
    return hosts.map((host) => new Endpoint({ host, auth, signal }));
  }

  async get(endpoint: Endpoint, path: string, headers: Record<string, string>): Promise<HttpResponse> {
    const response = await this.send(endpoint, { method: "GET", path, headers });
    if (response.status === 200 || response.status === 206) return response;
    throw await this.refused(endpoint, response, this.#absent(path));
  }

  #absent(path: string): string {
    if (path.startsWith("blobs/")) return `${this.name} lacks ${path.slice("blobs/".length)}, which the image needs`;
    return `manifest for ${formatReference(this.reference)} not found: ${this.name} has no such image`;
  }

  async #document(name: string, capability: Capability): Promise<Document> {
    const path = `manifests/${name}`;
    return await this.over(capability, (endpoint) =>
      retrying(this.signal, async () => {
        const response = await this.get(endpoint, path, acceptManifests);
        return await this.#readDocument(endpoint, response, path);
      }),
    );
  }

  async #readDocument(endpoint: Endpoint, response: HttpResponse, path: string): Promise<Document> {
    if (response.status !== 200) throw await this.refused(endpoint, response, this.#absent(path));
    const contentType = (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
    if (!mayBeManifest(contentType)) {
      response.body.destroy();
      throw invalidArgument(`the response of ${this.name} is not an image: it is of type ${contentType}`);
    }
    const document = documentOf(contentType, await this.#readSmall(response));
    if (document) return document;
    throw invalidArgument(`the response of ${this.name} is not an image: its type is unknown`);
  }

  async #readSmall({ body }: HttpResponse): Promise<Buffer> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readSmall(body, maxDocumentBytes);
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      throw requestFailure(error, this.reference.domain);
    }
    if (bytes) return bytes;
    throw invalidArgument(`the manifest is larger than ${maxDocumentBytes} bytes`);
  }

  /** Fetches a layer that the registry does not distribute from the URL in its descriptor. */
  async #foreignBlob(url: URL, descriptor: ImageDescriptor, sink: BlobSink): Promise<void> {
    await this.over("pull", (endpoint) =>
      retrying(this.signal, async (advanced) => {
        const ask = async (headers: Record<string, string>) => {
          const response = await endpoint.send({ method: "GET", target: url, headers, scope: this.scope });
          if (response.status === 200 || response.status === 206) return response;
          response.body.resume();
          throw notFound(`${url.host} lacks ${descriptor.digest}, which the image needs`);
        };
        await readBody(ask, { host: url.host, descriptor, sink, signal: this.signal, advanced });
      }),
    );
  }
}

const acceptManifests = { accept: manifestAccept.join(", ") };
