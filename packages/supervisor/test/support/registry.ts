import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { run, start, waitFor } from "@gantry/testkit";

export interface RegistrySettings {
  /** Files of a certificate and its key: it speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** It requires client certificates of this authority. */
  readonly clientAuthority?: string;
  /** It requires basic authentication, as user "user" with the password "secret". */
  readonly htpasswd?: boolean;
}

export interface RealRegistry extends AsyncDisposable {
  readonly address: string;
}

/** "secret", in the form that docker-registry takes. */
const htpasswd = "user:$2b$05$SH9tpd.slDH7s0XwjuUKyu2b/bmC6l1RHMYtsjpSx7hFqAbS8YOZO\n";

/** Debian's docker-registry on a port of its own. @param directory of its own */
export async function startRegistry(directory: string, settings: RegistrySettings = {}): Promise<RealRegistry> {
  const { tls, clientAuthority } = settings;
  const wanted = clientAuthority === undefined ? "" : `, clientcas: [${clientAuthority}]`;
  const address = await freeAddress();
  const own = join(directory, address.replace(/^.*:/, ""));
  mkdirSync(own);
  writeFileSync(join(own, "htpasswd"), htpasswd);
  const lines = [
    "version: 0.1",
    "log: {level: error, accesslog: {disabled: true}}",
    `storage: {filesystem: {rootdirectory: ${own}}, delete: {enabled: true}}`,
    `http: {addr: "${address}"${tls ? `, tls: {certificate: ${tls.cert}, key: ${tls.key}${wanted}}` : ""}}`,
    ...(settings.htpasswd ? [`auth: {htpasswd: {realm: test, path: ${own}/htpasswd}}`] : []),
  ];
  writeFileSync(join(own, "config.yml"), `${lines.join("\n")}\n`);
  const registry = start("docker-registry", ["serve", join(own, "config.yml")]);
  await waitFor(() => isListening(address), { what: "the registry" });
  return { address, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

function isListening(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(address.replace(/^.*:/, "")), "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

export interface TestAuthority {
  /** File of the authority's certificate. */
  readonly ca: string;
  /** Files of a certificate for 127.0.0.1 and registry.test that it has signed, and of its key. */
  readonly cert: string;
  readonly key: string;
}

/** Creates an authority that is not in the system's list, and a certificate of it. */
export async function makeAuthority(directory: string): Promise<TestAuthority> {
  const file = (name: string) => join(directory, name);
  const openssl = async (...args: string[]) => {
    const { code, stderr } = await run("openssl", args);
    if (code !== 0) throw new Error(stderr);
  };
  const fresh = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", file(`${name}.key`)];
  writeFileSync(file("names"), "subjectAltName=IP:127.0.0.1,DNS:registry.test\n");
  await openssl("req", "-x509", ...fresh("ca"), "-subj", "/CN=test authority", "-days", "2", "-out", file("ca.crt"));
  await openssl("req", ...fresh("host"), "-subj", "/CN=registry.test", "-out", file("host.csr"));
  const signer = ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "2"];
  await openssl(
    "x509",
    "-req",
    "-in",
    file("host.csr"),
    ...signer,
    "-extfile",
    file("names"),
    "-out",
    file("host.crt"),
  );
  return { ca: file("ca.crt"), cert: file("host.crt"), key: file("host.key") };
}

/** Copies images and reads them back by skopeo. */
export async function skopeo(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("skopeo", args);
  if (code !== 0) throw new Error(`skopeo ${args.join(" ")}: ${stderr}`);
  return stdout;
}

export interface FakeRegistry extends AsyncDisposable {
  readonly address: string;
  /** Requests so far: method, path, and whether they were authorized. */
  readonly requests: string[];
}

/** A registry that forwards to another one. @param intercept returns true for requests that it answers itself */
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

/** The headers that a registry and its client need of each other. */
const passed = ["content-type", "content-range", "location", "range", "docker-content-digest", "www-authenticate"];

/** Passes a request on to the upstream registry, and its whole response back. */
export async function passOn(upstream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "GET", headers: given } = request;
  const asked = ["accept", "range", "content-type", "content-range", "authorization"];
  const headers = asked.flatMap((name) => (given[name] === undefined ? [] : [[name, String(given[name])] as const]));
  const body = method === "GET" || method === "HEAD" ? {} : { body: await buffer(request) };
  const answer = await fetch(`http://${upstream}${request.url}`, {
    method,
    headers: Object.fromEntries(headers),
    ...body,
    redirect: "manual",
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const kept = passed.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value.replace(`http://${upstream}`, "")] as const];
  });
  const length = method === "HEAD" ? (answer.headers.get("content-length") ?? 0) : bytes.length;
  response.writeHead(answer.status, { ...Object.fromEntries(kept), "content-length": length });
  response.end(bytes);
}

/** An address on this machine without a listener. */
export async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
