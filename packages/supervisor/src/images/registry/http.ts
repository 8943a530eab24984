import type { Agent, AgentOptions, IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import type { Readable } from "node:stream";
import { isLoopback } from "./loopback.ts";

/** Certificates of one host, as PEM text. */
export interface TlsOptions {
  /** Authorities besides the system's. */
  readonly ca: readonly string[];
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Accept any certificate. */
  readonly skipVerify: boolean;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Body of the request; the headers give the length of a stream. */
  readonly body?: Uint8Array | Readable | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** Idle time after which a connection fails with ETIMEDOUT. */
const idleMs = 60_000;
/** Idle time after an upload, which registries take long to process. */
const idleAfterBodyMs = 300_000;

/**
 * Sends requests to hosts with the same certificates, over persistent connections. The built-in fetch does not take
 * certificates and refuses some ports; this uses node:http, loaded with the first request.
 */
export class HttpClient implements Disposable {
  readonly #tls: TlsOptions;
  readonly #signal: AbortSignal;
  readonly #agents = new Map<string, Agent>();

  /** @param signal ends all requests */
  constructor(tls: TlsOptions, signal: AbortSignal) {
    this.#tls = tls;
    this.#signal = signal;
  }

  /** Sends a request; the caller reads or destroys the body of the response. @throws Error of the system or of TLS */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { url, method, headers, body } = request;
    const isTls = url.protocol === "https:";
    if (!isTls && url.protocol !== "http:") throw new Error(`${url.protocol}// is not a scheme of registries`);
    const { request: open } = await (isTls ? import("node:https") : import("node:http"));
    const options: RequestOptions = {
      method,
      headers: { "user-agent": "gantry", ...headers },
      agent: await this.#agent(isTls, isLoopback(url.host)),
      signal: this.#signal,
      timeout: body === undefined ? idleMs : idleAfterBodyMs,
    };
    return await new Promise((resolve, reject) => {
      const outgoing = open(url, options);
      outgoing.on("error", reject);
      outgoing.once("timeout", () => outgoing.destroy(timeout(url)));
      outgoing.once("response", (answer) =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer }),
      );
      if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
      else {
        body.once("error", (error) => outgoing.destroy(error));
        outgoing.once("close", () => body.destroy());
        body.pipe(outgoing);
      }
    });
  }

  /** Closes the idle connections. */
  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  async #agent(isTls: boolean, isHere: boolean): Promise<Agent> {
    const key = `${isTls ? "https" : "http"} ${isHere}`;
    // HTTP_PROXY, HTTPS_PROXY and NO_PROXY apply, except for this machine.
    const options = isHere ? { keepAlive: true } : { keepAlive: true, proxyEnv: process.env };
    const present = this.#agents.get(key);
    if (present) return present;
    const agent = isTls ? await this.#tlsAgent(options) : new (await import("node:http")).Agent(options);
    const meanwhile = this.#agents.get(key);
    this.#agents.set(key, meanwhile ?? agent);
    return meanwhile ?? agent;
  }

  async #tlsAgent(options: AgentOptions): Promise<Agent> {
    const [{ Agent: TlsAgent }, { getCACertificates }] = await Promise.all([import("node:https"), import("node:tls")]);
    const { ca, cert, key, skipVerify } = this.#tls;
    const authorities = skipVerify ? {} : { ca: [...systemAuthorities(getCACertificates), ...ca] };
    return new TlsAgent({ ...options, ...authorities, cert, key, rejectUnauthorized: !skipVerify });
  }
}

/** The machine's authorities, or Node's where it has none. */
function systemAuthorities(read: (type: "system" | "bundled") => string[]): string[] {
  const system = read("system");
  return system.length > 0 ? system : read("bundled");
}

function timeout({ host }: URL): Error {
  return Object.assign(new Error(`${host} has sent nothing for a minute or more`), { code: "ETIMEDOUT" });
}

/** Reads a small body. @returns undefined for a larger one */
export async function readSmall(body: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) return undefined; // leaving the loop destroys the body
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
