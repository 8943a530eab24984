import { permissionDenied } from "../../errors.ts";
import type { Challenge } from "./challenge.ts";
import type { RegistryAuth, Transport } from "./client.ts";

/** How a registry wants to be asked: nothing yet, or the header that its challenge led to. */
export class Authorizer {
  readonly #auth: RegistryAuth | undefined;
  readonly #transport: Transport;
  #header: string | undefined;
  #asking: Promise<void> | undefined;

  constructor(auth: RegistryAuth | undefined, transport: Transport) {
    this.#auth = auth;
    this.#transport = transport;
  }

  get header(): string | undefined {
    return this.#header;
  }

  /**
   * Answers a challenge: Basic with the credentials, Bearer with a token that is asked for at its realm,
   * anonymously without credentials. Requests that fail together ask once.
   * @param refused the header that was refused
   * @returns false when there is nothing (new) to answer with
   */
  async answer(challenges: readonly Challenge[], scope: string, refused: string | undefined): Promise<boolean> {
    if (this.#header !== refused) return true; // another request got a new one meanwhile
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) {
      if (refused?.startsWith("Bearer ") && !this.#asking && this.#tokenIsFresh) return false;
      this.#asking ??= this.#askToken(bearer, scope).finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
      return true;
    }
    const { username, password } = this.#auth ?? {};
    const isBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!isBasic || username === undefined || refused !== undefined) return false;
    this.#header = basic(username, password ?? "");
    return true;
  }

  #tokenTime = Number.NEGATIVE_INFINITY;

  /** A token that was refused although it is new will not be better the next time. */
  get #tokenIsFresh(): boolean {
    return performance.now() - this.#tokenTime < 10_000;
  }

  async #askToken({ parameters }: Challenge, scope: string): Promise<void> {
    const { realm, service } = parameters;
    if (realm === undefined || !URL.canParse(realm)) throw permissionDenied(`its challenge names no realm`);
    const query = new URLSearchParams({ ...(service ? { service } : {}), scope: parameters.scope ?? scope });
    const { identityToken, username, password } = this.#auth ?? {};
    const response = await this.#transport(
      ...(identityToken === undefined
        ? tokenRequest(realm, query, username, password)
        : refreshRequest(realm, query, identityToken)),
    );
    const body = (await response.json().catch(() => ({}))) as { token?: unknown; access_token?: unknown };
    const token = body.token ?? body.access_token;
    if (response.status === 401 || response.status === 403) {
      throw permissionDenied(`${new URL(realm).host} refuses the credentials`);
    }
    if (!response.ok || typeof token !== "string") {
      throw permissionDenied(`${new URL(realm).host} gives no token (status ${response.status})`);
    }
    this.#header = `Bearer ${token}`;
    this.#tokenTime = performance.now();
  }
}

type Request = [url: URL, init: RequestInit];

function tokenRequest(realm: string, query: URLSearchParams, username?: string, password = ""): Request {
  const url = new URL(realm);
  for (const [key, value] of query) url.searchParams.append(key, value);
  if (username !== undefined) url.searchParams.set("account", username);
  return [url, username === undefined ? {} : { headers: { authorization: basic(username, password) } }];
}

/** OAuth 2 with a refresh token (distribution, "Token Authentication Specification: OAuth2"). */
function refreshRequest(realm: string, query: URLSearchParams, refreshToken: string): Request {
  const body = new URLSearchParams(query);
  body.set("grant_type", "refresh_token");
  body.set("client_id", "gantry");
  body.set("refresh_token", refreshToken);
  return [new URL(realm), { method: "POST", body }];
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
