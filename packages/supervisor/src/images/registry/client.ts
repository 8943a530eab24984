import { isIP } from "node:net";
import { RpcError } from "@gantry/ipc";
import { digestOf, formatReference, type ImageDescriptor, manifestAccept, type Reference } from "@gantry/oci-spec";
import { invalidArgument, messageOf, notFound, permissionDenied, unavailable } from "../../errors.ts";
import { Authorizer } from "./auth.ts";
import { parseChallenges } from "./challenge.ts";
import { isCut, networkCode, retryAfterMs, retrying, TransientError } from "./retry.ts";

export interface RegistryAuth {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identityToken?: string | undefined;
}

export interface RegistryOptions {
  readonly reference: Reference;
  readonly auth: RegistryAuth | undefined;
  /** http instead of https; loopback addresses have it by themselves. */
  readonly plainHttp: boolean;
  readonly signal: AbortSignal;
}

/** fetch, with its failures in words. */
export type Transport = (url: URL, init: RequestInit) => Promise<Response>;

const maxDocumentBytes = 4 << 20;
const hubDomain = "docker.io";
const hubHost = "registry-1.docker.io";

/** One repository of a registry, read by the distribution API (distribution-spec, "Pull"). */
export class RepositoryClient {
  readonly #options: RegistryOptions;
  readonly #base: string;
  readonly #authorizer: Authorizer;

  constructor(options: RegistryOptions) {
    this.#options = options;
    const { domain, path } = options.reference;
    const host = domain === hubDomain ? hubHost : domain;
    const scheme = options.plainHttp || isLoopback(domain) ? "http" : "https";
    this.#base = `${scheme}://${host}/v2/${path}`;
    this.#authorizer = new Authorizer(options.auth, this.#fetch);
  }

  /** The manifest or index that the reference names. Its digest is checked where the reference has one. */
  async target(): Promise<{ descriptor: ImageDescriptor; bytes: Buffer }> {
    const { tag, digest } = this.#options.reference;
    const document = await this.#document(`manifests/${digest ?? tag ?? "latest"}`);
    const actual = digestOf(document.bytes);
    if (digest?.startsWith("sha256:") && digest !== actual) {
      throw invalidArgument(`wrong digest: the manifest should be ${digest} and is ${actual}`);
    }
    const descriptor = { mediaType: document.mediaType, digest: actual, size: document.bytes.length };
    return { descriptor, bytes: document.bytes };
  }

  /** A manifest that a descriptor names; whoever stores it checks the digest. */
  async manifest(descriptor: ImageDescriptor): Promise<Buffer> {
    return (await this.#document(`manifests/${descriptor.digest}`)).bytes;
  }

  /**
   * A blob's bytes, handed over in pieces. A connection that is cut is made anew and goes on where it was.
   * @param take told of each piece; `restart` of a server that begins from the start again
   */
  async blob(digest: string, sink: { take(chunk: Uint8Array): void; restart(): void }): Promise<void> {
    let offset = 0;
    await retrying(this.#options.signal, async () => {
      const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
      const response = await this.#get(`blobs/${digest}`, range);
      if (offset > 0 && response.status !== 206) {
        offset = 0;
        sink.restart();
      }
      if (!response.body) return;
      try {
        for await (const chunk of response.body) {
          sink.take(chunk);
          offset += chunk.length;
        }
      } catch (error) {
        throw this.#failure(error);
      }
    });
  }

  async #document(path: string): Promise<{ bytes: Buffer; mediaType: string }> {
    return await retrying(this.#options.signal, async () => {
      const response = await this.#get(path, { accept: manifestAccept.join(", ") });
      const mediaType = (response.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
      if (!manifestAccept.includes(mediaType)) {
        await response.body?.cancel();
        throw invalidArgument(`what ${this.#name} answers is no image: it is of type ${mediaType || "unknown"}`);
      }
      const chunks: Uint8Array[] = [];
      let size = 0;
      try {
        for await (const chunk of response.body ?? []) {
          size += chunk.length;
          if (size > maxDocumentBytes) throw invalidArgument(`the manifest is larger than ${maxDocumentBytes} bytes`);
          chunks.push(chunk);
        }
      } catch (error) {
        throw this.#failure(error);
      }
      return { bytes: Buffer.concat(chunks), mediaType };
    });
  }

  async #get(path: string, headers: Record<string, string>): Promise<Response> {
    const url = new URL(`${this.#base}/${path}`);
    for (let attempt = 0; ; attempt++) {
      const authorization = this.#authorizer.header;
      const response = await this.#fetch(url, { headers: { ...headers, ...(authorization && { authorization }) } });
      if (response.ok) return response;
      await response.body?.cancel();
      if (response.status !== 401) throw this.#refusal(response, path);
      const challenges = parseChallenges(response.headers.get("www-authenticate") ?? "");
      const scope = `repository:${this.#options.reference.path}:pull`;
      const canTry = attempt < 2 && (await this.#authorizer.answer(challenges, scope, authorization));
      if (!canTry) throw this.#denied();
    }
  }

  readonly #fetch: Transport = async (url, init) => {
    try {
      return await fetch(url, { ...init, signal: this.#options.signal });
    } catch (error) {
      throw this.#failure(error, url.host);
    }
  };

  #refusal(response: Response, path: string): Error {
    const { status } = response;
    if (status === 404) {
      return notFound(
        path.startsWith("blobs/")
          ? `${this.#name} lacks ${path.slice("blobs/".length)}, which the image needs`
          : `manifest for ${formatReference(this.#options.reference)} not found: ${this.#name} has no such image`,
      );
    }
    if (status === 403) return this.#denied();
    const words = `${this.#name} answers with status ${status}`;
    if (status === 429 || status >= 500)
      return new TransientError(words, retryAfterMs(response.headers.get("retry-after")));
    return unavailable(words);
  }

  #denied(): Error {
    const { reference, auth } = this.#options;
    const who = auth ? "refuses the credentials" : "wants credentials";
    return permissionDenied(
      `pull access denied for ${formatReference(reference)}: the repository does not exist, or ${this.#name} ${who}`,
    );
  }

  /** A connection that was cut may be tried again; one that cannot be made is reported. */
  #failure(error: unknown, host = new URL(this.#base).host): unknown {
    if (this.#options.signal.aborted) return this.#options.signal.reason;
    if (error instanceof RpcError) return error;
    const code = networkCode(error);
    if (isCut(error)) {
      const words =
        code === "EAI_AGAIN"
          ? `the address of registry ${host} cannot be looked up now`
          : `the connection to ${host} was cut`;
      return new TransientError(words, undefined, { cause: error });
    }
    if (code === undefined && !(error instanceof TypeError)) return error;
    if (code === "ECONNREFUSED") return unavailable(`cannot reach registry ${host}: connection refused`, error);
    if (code === "ENOTFOUND") return unavailable(`cannot reach registry ${host}: no such host`, error);
    const words = error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
    return unavailable(`cannot reach registry ${host}: ${words}`, error);
  }

  get #name(): string {
    return `registry ${this.#options.reference.domain}`;
  }
}

/** localhost, 127.0.0.0/8 and ::1, with or without a port. */
export function isLoopback(domain: string): boolean {
  const host = domain.replace(/:\d+$/, "");
  return host === "localhost" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));
}
