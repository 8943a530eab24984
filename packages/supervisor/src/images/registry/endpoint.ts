import type { Readable } from "node:stream";
import { unavailable } from "../../errors.ts";
import { Authorizer, type RegistryAuth } from "./auth.ts";
import { parseChallenges } from "./challenge.ts";
import { isCut, requestFailure } from "./failure.ts";
import type { HostSettings, RegistryHost } from "./hosts.ts";
import { HttpClient, type HttpResponse, readSmall } from "./http.ts";
import { isLoopback } from "./loopback.ts";

export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A path below the API's root ("team/app/manifests/1"), or a URL of the registry. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for each attempt. */
  readonly body?: () => Uint8Array | Readable;
  /** Scope of the token: "repository:team/app:pull". */
  readonly scope: string;
}

export interface EndpointOptions {
  readonly host: RegistryHost;
  readonly auth: RegistryAuth | undefined;
  readonly signal: AbortSignal;
  /** Request a refresh token, too. */
  readonly offline?: boolean;
}

const maxRedirects = 10;

/** One host of a registry: its connections, authorization and redirects. */
export class Endpoint implements Disposable {
  readonly isOwn: boolean;
  readonly capabilities: RegistryHost["capabilities"];
  readonly #options: EndpointOptions;
  #settings: HostSettings;
  #http: HttpClient;
  /** For hosts that this one redirects to: the same authorities, but not our certificate. */
  #foreign: HttpClient;
  #authorizer: Authorizer;
  #scheme: Promise<void> | undefined;

  constructor(options: EndpointOptions) {
    const { host } = options;
    this.isOwn = host.isOwn;
    this.capabilities = host.capabilities;
    this.#options = options;
    this.#settings = host;
    [this.#http, this.#foreign, this.#authorizer] = this.#connections();
  }

  /** Host and port, as users write it. */
  get name(): string {
    return this.#settings.url.host;
  }

  /** The API's root: http://localhost:5000/v2 */
  get root(): URL {
    return this.#settings.url;
  }

  /** The refresh token that a token server has issued. */
  get refreshToken(): string | undefined {
    return this.#authorizer.refreshToken;
  }

  /**
   * Sends a request with the required authorization, and follows redirects. The caller reads the final response,
   * successful or not.
   * @throws RpcError, TransientError
   */
  async send(request: ApiRequest): Promise<HttpResponse> {
    const { tlsInstead } = this.#options.host;
    if (tlsInstead) {
      this.#scheme ??= this.#chooseScheme(tlsInstead);
      await this.#scheme.catch((error: unknown) => {
        this.#scheme = undefined;
        throw error;
      });
    }
    for (let attempt = 0; ; attempt++) {
      const authorization = this.#authorizer.header;
      const { response, isOwn } = await this.#followed(request, authorization);
      // A challenge of another host could direct the registry's credentials elsewhere.
      if (response.status !== 401 || !isOwn) return response;
      const challenges = parseChallenges(String(response.headers["www-authenticate"] ?? ""));
      if (attempt === 2 || challenges.length === 0) return response;
      const answered = await this.#worded(() => this.#authorizer.answer(challenges, request.scope, authorization));
      if (!answered) return response;
      response.body.resume();
    }
  }

  /**
   * The URL of a Location header. The scheme stays for the same host, since proxies in front of registries lose it.
   * @throws RpcError for a header that is missing or not a URL
   */
  locate(location: string | undefined): URL {
    if (location === undefined || !URL.canParse(location, this.root)) {
      throw unavailable(`registry ${this.name} sends no Location`);
    }
    const url = new URL(location, this.root);
    if (url.host === this.root.host) url.protocol = this.root.protocol;
    return url.host === this.root.host ? url : this.#nextUrl(location, this.root);
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
    this.#foreign[Symbol.dispose]();
  }

  /** Detects whether a server on this machine uses TLS; most of them use plain HTTP. */
  async #chooseScheme(instead: HostSettings): Promise<void> {
    const before = this.#settings;
    const ping = { method: "GET", target: "", scope: "" } as const;
    try {
      const { response } = await this.#followed(ping, undefined);
      if (await wantsTls(response)) this.#take(instead);
    } catch (error) {
      if (!isCut((error as Error).cause)) throw error;
      // Some servers close the connection of a client without TLS.
      this.#take(instead);
      await this.#followed(ping, undefined).then(
        ({ response }) => void response.body.resume(),
        () => this.#take(before),
      );
    }
  }

  #take(settings: HostSettings): void {
    this[Symbol.dispose]();
    this.#settings = settings;
    [this.#http, this.#foreign, this.#authorizer] = this.#connections();
  }

  #connections(): [HttpClient, HttpClient, Authorizer] {
    const { auth, signal, offline = false } = this.#options;
    const { tls, url } = this.#settings;
    const http = new HttpClient(tls, signal);
    const foreign = new HttpClient({ ca: tls.ca, skipVerify: tls.skipVerify }, signal);
    const isPlain = url.protocol === "http:";
    return [http, foreign, new Authorizer({ auth: this.isOwn ? auth : undefined, http, isPlain, offline })];
  }

  /** The response, and whether it came from this host itself. */
  async #followed(
    request: ApiRequest,
    authorization: string | undefined,
  ): Promise<{ response: HttpResponse; isOwn: boolean }> {
    const { method, target, headers = {}, body } = request;
    const base = this.#settings.url;
    const own = { ...this.#settings.headers, ...(authorization && { authorization }) };
    let url = typeof target === "string" ? new URL(`${base.href}/${target}`) : target;
    for (let redirects = 0; ; redirects++) {
      const isHere = url.origin === base.origin;
      const http = isHere ? this.#http : this.#foreign;
      const all = isHere ? { ...own, ...headers } : headers;
      const at = url;
      const response = await this.#worded(() => http.send({ method, url: at, headers: all, body: body?.() }), at.host);
      const next = redirection(response, method);
      if (next === undefined) return { response, isOwn: isHere };
      response.body.resume();
      if (redirects === maxRedirects) throw unavailable(`${this.name} redirects in circles`);
      url = this.#nextUrl(next, at);
    }
  }

  #nextUrl(location: string, from: URL): URL {
    if (!URL.canParse(location, from)) throw unavailable(`${this.name} redirects to "${location}", which is not a URL`);
    const next = new URL(location, from);
    if (next.protocol === "https:") return next;
    if (next.protocol === "http:" && (from.protocol === "http:" || isLoopback(next.host))) return next;
    throw unavailable(`${this.name} redirects to ${next.protocol}//${next.host}: only the scheme https is followed`);
  }

  async #worded<T>(work: () => Promise<T>, host = this.name): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { signal } = this.#options;
      if (signal.aborted) throw signal.reason;
      throw requestFailure(error, host);
    }
  }
}

function redirection({ status, headers }: HttpResponse, method: string): string | undefined {
  const keepsMethod = method === "GET" || method === "HEAD" || status === 307 || status === 308;
  return status >= 301 && status <= 308 && status !== 304 && keepsMethod ? headers.location : undefined;
}

/** True for the response of a TLS server to a request without TLS. */
async function wantsTls({ status, body }: HttpResponse): Promise<boolean> {
  if (status !== 400) {
    body.resume();
    return false;
  }
  const message = await readSmall(body, 4096).catch(() => undefined);
  return message !== undefined && /HTTPS/i.test(message.toString("latin1"));
}
