import { messageOf } from "@gantry/common/error-message";
import { permissionDenied } from "../../errors.ts";
import type { Challenge } from "./challenge.ts";
import { type HttpClient, type HttpResponse, readSmall } from "./http.ts";
import { isLoopback } from "./loopback.ts";
import { retryAfterMs, TransientError } from "./retry.ts";

export interface RegistryAuth {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** A refresh token (OAuth 2) instead of a password. */
  readonly identityToken?: string | undefined;
  /** A bearer token that is sent unchanged. */
  readonly registryToken?: string | undefined;
}

export interface AuthorizerOptions {
  readonly auth: RegistryAuth | undefined;
  readonly http: HttpClient;
  /** The registry uses plain HTTP; then its token server may, too. */
  readonly isPlain: boolean;
  /** Also ask for a refresh token. */
  readonly offline?: boolean;
}

const freshMs = 10_000;
const largestAnswer = 1 << 20;

/** The authorization for a registry: none at first, then the header that answers its challenge. */
export class Authorizer {
  /** A refresh token that the token server has given; see `offline`. */
  refreshToken: string | undefined;
  readonly #options: AuthorizerOptions;
  readonly #scopes = new Set<string>();
  #header: string | undefined;
  #asking: Promise<void> | undefined;
  #tokenTime = Number.NEGATIVE_INFINITY;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    const token = options.auth?.registryToken;
    if (token !== undefined) this.#header = `Bearer ${token}`;
  }

  get header(): string | undefined {
    return this.#header;
  }

  /**
   * Answers a challenge: Basic with the credentials, Bearer with a token from its realm, which is requested anonymously
   * without credentials. Concurrent requests share one token.
   * @param refused the header that was refused
   * @returns false when there is no other answer
   */
  async answer(challenges: readonly Challenge[], scope: string, refused: string | undefined): Promise<boolean> {
    const { auth } = this.#options;
    if (auth?.registryToken !== undefined) return false;
    if (this.#header !== refused) return true; // another request got a new one meanwhile
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) {
      const isWider = this.#widen(bearer, scope);
      if (refused?.startsWith("Bearer ") && !this.#asking && !isWider && this.#tokenIsFresh) return false;
      this.#asking ??= this.#askToken(bearer).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
      return true;
    }
    const isBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!isBasic || auth?.username === undefined || refused !== undefined) return false;
    this.#header = basic(auth.username, auth.password ?? "");
    return true;
  }

  /** A fresh token that was refused is not requested again. */
  get #tokenIsFresh(): boolean {
    return performance.now() - this.#tokenTime < freshMs;
  }

  #widen({ parameters }: Challenge, scope: string): boolean {
    const before = this.#scopes.size;
    for (const one of `${scope} ${parameters.scope ?? ""}`.split(" ")) if (one !== "") this.#scopes.add(one);
    return this.#scopes.size > before;
  }

  async #askToken({ parameters }: Challenge): Promise<void> {
    const realm = this.#realm(parameters.realm);
    const response = await this.#request(realm, parameters.service);
    const body = (await readSmall(response.body, largestAnswer)) ?? Buffer.alloc(0);
    const { status } = response;
    if (status === 401 || status === 403) throw permissionDenied(`${realm.host} refuses the credentials`);
    if (status === 429 || status >= 500) {
      throw new TransientError(
        `${realm.host} answers with status ${status}`,
        retryAfterMs(response.headers["retry-after"]),
      );
    }
    const answer = readAnswer(body);
    if (status !== 200 || answer.token === undefined) {
      throw permissionDenied(`${realm.host} gives no token (status ${status})`);
    }
    this.refreshToken = answer.refreshToken;
    this.#header = `Bearer ${answer.token}`;
    this.#tokenTime = performance.now();
  }

  #realm(text: string | undefined): URL {
    if (text === undefined || !URL.canParse(text)) throw permissionDenied("its challenge names no realm");
    const url = new URL(text);
    const mayBePlain = this.#options.isPlain || isLoopback(url.host);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && mayBePlain)) {
      throw permissionDenied(`its token server ${url.origin} would get the credentials in plain text`);
    }
    return url;
  }

  #request(realm: URL, service: string | undefined): Promise<HttpResponse> {
    const { auth, http, offline = false } = this.#options;
    const { identityToken, username, password = "" } = auth ?? {};
    if (identityToken === undefined) {
      const url = new URL(realm);
      if (service !== undefined) url.searchParams.set("service", service);
      for (const scope of this.#scopes) url.searchParams.append("scope", scope);
      if (username !== undefined) url.searchParams.set("account", username);
      if (offline) {
        url.searchParams.set("offline_token", "true");
        url.searchParams.set("client_id", clientId);
      }
      const headers = username === undefined ? {} : { authorization: basic(username, password) };
      return http.send({ method: "GET", url, headers });
    }
    // Token Authentication Specification (distribution), "OAuth2".
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: clientId,
      refresh_token: identityToken,
    });
    if (service !== undefined) form.set("service", service);
    form.set("scope", [...this.#scopes].join(" "));
    const body = Buffer.from(form.toString());
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length) };
    return http.send({ method: "POST", url: realm, headers, body });
  }
}

const clientId = "gantry";

function readAnswer(body: Buffer): { token?: string | undefined; refreshToken?: string | undefined } {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    throw permissionDenied(`the token server gives no token: ${messageOf(error)}`);
  }
  const text = (name: string) => {
    const field = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
    return typeof field === "string" && field !== "" ? field : undefined;
  };
  return { token: text("token") ?? text("access_token"), refreshToken: text("refresh_token") };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
