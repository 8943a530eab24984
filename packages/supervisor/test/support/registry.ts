import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { start, waitFor } from "@gantry/testkit";

/** Debian's docker-registry on a port of its own. */
export async function startRegistry(directory: string): Promise<AsyncDisposable & { address: string }> {
  const address = await freeAddress();
  const config = join(directory, "registry.yml");
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${directory}/registry}}\nhttp: {addr: "${address}"}\n`,
  );
  const registry = start("docker-registry", ["serve", config]);
  await waitFor(async () => (await fetch(`http://${address}/v2/`)).ok, { what: "the registry" });
  return { address, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

export interface FakeRegistry extends AsyncDisposable {
  readonly address: string;
  /** Requests so far: method, path, and whether they were authorized. */
  readonly requests: string[];
}

/** A registry that passes on to another one, and that may answer itself where the test wants something odd. */
export async function startProxy(
  upstream: string,
  intercept: (request: IncomingMessage, response: ServerResponse, address: string) => boolean,
): Promise<FakeRegistry> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (intercept(request, response, address)) return;
    passOn(upstream, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the upstream answers, whole. */
export async function passOn(upstream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { accept, range } = request.headers;
  const headers = { ...(accept && { accept }), ...(range && { range }) };
  const answer = await fetch(`http://${upstream}${request.url}`, { headers });
  const body = Buffer.from(await answer.arrayBuffer());
  const type = answer.headers.get("content-type");
  response.writeHead(answer.status, { ...(type && { "content-type": type }), "content-length": body.length });
  response.end(body);
}

/** An address on this machine where nobody listens. */
export async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
