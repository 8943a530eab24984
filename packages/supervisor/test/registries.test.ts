import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { busyboxArchive, tempDir } from "@gantry/testkit";
import { before, t as tap, test } from "tap";
import { checkLogin, listTags } from "../src/images/registry/calls.ts";
import { parseChallenges } from "../src/images/registry/challenge.ts";
import { imageParts } from "./support/images.ts";
import {
  freeAddress,
  makeAuthority,
  skopeo,
  startProxy,
  startRegistry,
  type TestAuthority,
} from "./support/registry.ts";

const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let authority: TestAuthority;
/** Plain, with TLS, and with TLS and a password. */
let plain = "";
let secure = "";
let guarded = "";
const auth = { username: "user", password: "secret" };

before(async () => {
  const { path } = scope.use(tempDir("registries"));
  authority = await makeAuthority(path);
  ({ address: plain } = scope.use(await startRegistry(path)));
  ({ address: secure } = scope.use(await startRegistry(path, { tls: authority })));
  ({ address: guarded } = scope.use(await startRegistry(path, { tls: authority, htpasswd: true })));
  const archive = await busyboxArchive(path);
  for (const registry of [plain, secure, guarded]) {
    const target = ["--dest-creds=user:secret", "--dest-tls-verify=false", `docker://${registry}/box:1`];
    await skopeo("copy", "-q", `docker-archive:${archive}`, ...target);
  }
});

test("an authority is trusted only when it is configured", async (t) => {
  await using parts = imageParts();
  const name = "registry.test/box:1";
  const settings = (text: string) => configure(parts.certificates, "registry.test", { "hosts.toml": text });
  const server = `server = "https://${secure}"\n`;
  settings(server);
  await t.rejects(parts.pull({ name }), {
    code: "Unavailable",
    message: /cannot pull registry.test\/box:1: .* signed by an unknown authority: .*ca.crt/,
  });
  settings(`${server}ca = "${authority.ca}"\n`);
  const { image } = await parts.pull({ name });
  t.equal(image.name, name);
  t.equal((await parts.push({ name: "registry.test/copy:1", source: name })).digest, image.target.digest);
  settings(`${server}skip_verify = true\n`);
  t.equal((await parts.pull({ name })).changed, false);
  settings(server);
  t.equal((await parts.pull({ name, ca: readFileSync(authority.ca, "utf8") })).changed, false, "given with the call");
  t.equal((await parts.pull({ name, skipVerify: true })).changed, false);
  settings(`server = "https://${plain}"\n`);
  await t.rejects(parts.pull({ name }), { message: /server gave HTTP response to HTTPS client: .*hosts.toml/ });
  settings(`server = "http://${plain}"\n`);
  t.ok(await parts.pull({ name }));
});

test("loopback: plain HTTP or TLS, as the server has it; Docker's layout of certificates", async (t) => {
  await using parts = imageParts();
  t.ok(await parts.pull({ name: `${secure}/box:1` }), "any certificate will do on this machine");
  configure(parts.certificates, secure, { "ca.crt": readFileSync(authority.ca, "utf8") });
  t.ok(await parts.pull({ name: `${secure}/box:1` }));
  configure(parts.certificates, secure, { "ca.crt": otherAuthority() });
  await t.rejects(
    parts.pull({ name: `${secure}/box:1` }),
    { message: /unknown authority/ },
    "but not when one is named",
  );
  configure(parts.certificates, secure, { "client.cert": "x" });
  await t.rejects(parts.pull({ name: `${secure}/box:1` }), {
    message: /missing key client.key for client certificate/,
  });
});

test("passwords: basic authentication, for pull, push, tags and login", async (t) => {
  await using parts = imageParts();
  const name = `${guarded}/box:1`;
  const signal = new AbortController().signal;
  await t.rejects(parts.pull({ name }), {
    code: "PermissionDenied",
    message: /pull access denied .*wants credentials/,
  });
  const wrong = { ...auth, password: "guess" };
  await t.rejects(parts.pull({ name, auth: wrong }), { code: "PermissionDenied", message: /refuses the credentials/ });
  await parts.pull({ name, auth });
  await t.rejects(parts.push({ name: `${guarded}/new:1`, source: name }), {
    code: "PermissionDenied",
    message: /push access denied for .*new:1/,
  });
  await parts.push({ name: `${guarded}/new:1`, source: name, auth });
  t.strictSame(await listTags({ repository: `${guarded}/new`, auth }, [], signal), ["1"]);
  await t.rejects(listTags({ repository: `${guarded}/none`, auth }, [], signal), { code: "NotFound" });
  t.strictSame(await checkLogin({ registry: guarded, auth }, [], signal), {});
  await t.rejects(checkLogin({ registry: guarded, auth: wrong }, [], signal), { code: "PermissionDenied" });
  await t.rejects(checkLogin({ registry: await freeAddress(), auth }, [], signal), { code: "Unavailable" });
});

test("a registry that wants a certificate of its clients gets it, in Docker's layout and in containerd's", async (t) => {
  await using directory = tempDir("mutual");
  const settings = { tls: authority, clientAuthority: authority.ca };
  await using registry = await startRegistry(directory.path, settings);
  await using parts = imageParts();
  const source = (await parts.pull({ name: `${plain}/box:1` })).image.name;
  const name = `${registry.address}/box:1`;
  configure(parts.certificates, registry.address, { "ca.crt": readFileSync(authority.ca, "utf8") });
  await t.rejects(parts.push({ name, source }), { code: "Unavailable" });
  const files = { "own.cert": readFileSync(authority.cert, "utf8"), "own.key": readFileSync(authority.key, "utf8") };
  configure(parts.certificates, registry.address, files);
  await parts.push({ name, source });
  const text = `server = "https://${registry.address}"\nca = "${authority.ca}"\nclient = [["${authority.cert}", "${authority.key}"]]\n`;
  configure(parts.certificates, "registry.test", { "hosts.toml": text });
  t.ok((await parts.pull({ name: "registry.test/box:1" })).changed);
});

test("mirrors are tried first, then the registry", async (t) => {
  await using parts = imageParts();
  await using mirror = await startProxy(plain, (request, response) => {
    if (request.headers["x-mirror"] !== "yes") response.writeHead(403).end();
    request.url = request.url?.replace("/cache/v2", "/v2") ?? "";
    return request.headers["x-mirror"] !== "yes";
  });
  const name = "registry.test/box:1";
  const server = `server = "https://${secure}"\nca = "${authority.ca}"\n`;
  const use = (address: string, path: string, more: string) =>
    configure(parts.certificates, "_default", {
      "hosts.toml": `${server}[host."http://${address}${path}"]\n${more}[host."http://${address}${path}".header]\nx-mirror = "yes"\n`,
    });
  use(mirror.address, "/cache/v2", 'capabilities = ["pull", "resolve"]\noverride_path = true\n');
  await parts.pull({ name, auth: { username: "for the registry", password: "alone" } });
  t.ok(
    mirror.requests.some((request) => request.includes("/blobs/")),
    "all came from the mirror",
  );
  t.ok(mirror.requests.every((request) => request.startsWith("GET /cache/v2/box/")));
  const before = mirror.requests.length;
  await parts.push({ name, source: name });
  t.equal(mirror.requests.length, before, "it gets no uploads");
  for (const { name: known } of parts.stores.metadata.images.list("test")) parts.images.delete("test", known);
  use(await freeAddress(), "", "");
  t.ok((await parts.pull({ name })).changed, "one that is down is passed over");
  configure(parts.certificates, "_default", {
    "hosts.toml": 'server = "https://x"\n[host."https://y"]\ncapabilities = ["fly"]\n',
  });
  await t.rejects(parts.pull({ name }), {
    code: "FailedPrecondition",
    message: /_default\/hosts.toml: host.*capabilities/,
  });
});

test("tokens: scoped to the action, renewed, from a refresh token", async (t) => {
  const asked: { scopes: string[]; grant: string }[] = [];
  const tokens = new Map<string, string[]>();
  await using server = await serveTokens((scopes, grant) => {
    if (grant !== "Basic dXNlcjpzZWNyZXQ=" && grant !== "refreshing") return undefined;
    asked.push({ scopes, grant });
    const token = `token-${asked.length}`;
    tokens.set(`Bearer ${token}`, scopes);
    return token;
  });
  await using front = await startProxy(plain, (request, response) => {
    const [, path = "", rest = ""] = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\/(.*)$/.exec(request.url ?? "") ?? [];
    const actions = request.method === "GET" || request.method === "HEAD" ? "pull" : "pull,push";
    const needed = [`repository:${path}:${actions}`];
    const mounted = /from=([^&]+)/.exec(rest)?.[1];
    if (mounted) needed.push(`repository:${decodeURIComponent(mounted)}:pull`);
    const has = tokens.get(request.headers.authorization ?? "") ?? [];
    const covered = needed.every((one) =>
      has.some((scope) => scope === one || scope === one.replace(/pull$/, "pull,push")),
    );
    delete request.headers.authorization;
    if (covered) return false;
    const challenge = `Bearer realm="http://${server.address}/token",service="test",scope="${needed.join(" ")}"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  });
  await using parts = imageParts();
  const name = `${front.address}/box:1`;
  await parts.pull({ name, auth });
  t.strictSame(
    asked.map(({ scopes }) => scopes),
    [["repository:box:pull"]],
    "one token for all of a pull",
  );
  asked.length = 0;
  await parts.push({ name: `${front.address}/mounted:1`, source: name, auth: { identityToken: "refreshing" } });
  t.equal(asked.at(-1)?.grant, "refreshing");
  t.ok(
    asked.some(({ scopes }) => scopes.includes("repository:box:pull")),
    "and one that allows to mount",
  );
  t.ok(parts.statuses.some((status) => status.endsWith("Mounted from box")));
  tokens.clear();
  await t.rejects(parts.pull({ name }), { code: "PermissionDenied", message: /refuses the credentials/ });
});

test("a redirect to another host is followed without the registry's credentials", async (t) => {
  const seen: IncomingMessage["headers"][] = [];
  let asks: string | undefined;
  await using storage = await startProxy(plain, (request, response) => {
    seen.push(request.headers);
    if (asks !== undefined) response.writeHead(401, { "www-authenticate": asks }).end();
    return asks !== undefined;
  });
  await using front = await startProxy(plain, (request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    } else if (request.url?.includes("/blobs/")) {
      response.writeHead(307, { location: `http://${storage.address}${request.url}` }).end();
    } else {
      delete request.headers.authorization;
      return false;
    }
    return true;
  });
  await using parts = imageParts();
  await parts.pull({ name: `${front.address}/box:1`, auth });
  t.ok(seen.length >= 2);
  t.ok(seen.every(({ authorization }) => authorization === undefined));

  await using thief = await serveTokens(() => "token");
  asks = `Bearer realm="http://${thief.address}/token"`;
  for (const { name } of parts.stores.metadata.images.list("test")) parts.images.delete("test", name);
  await t.rejects(parts.pull({ name: `${front.address}/box:1`, auth }), { code: "PermissionDenied" });
  t.equal(thief.asked(), 0, "nor does that host say who gets the password");
});

test("challenges are read in every form", async (t) => {
  t.strictSame(
    parseChallenges('Bearer realm="https://a/b?c=d",service=x, scope="r:a:pull,push", Basic realm="q\\"q"'),
    [
      { scheme: "bearer", parameters: { realm: "https://a/b?c=d", service: "x", scope: "r:a:pull,push" } },
      { scheme: "basic", parameters: { realm: 'q"q' } },
    ],
  );
  t.strictSame(parseChallenges(""), []);
});

/** Makes DIRECTORY/HOST with these files, instead of those that it had. */
function configure(directory: string, host: string, files: Record<string, string>): void {
  mkdirSync(`${directory}/${host}`, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(`${directory}/${host}/${name}`, text);
}

/** A certificate that has signed nothing here. */
function otherAuthority(): string {
  return readFileSync(authority.cert, "utf8");
}

/** A token server. @param give the token for some scopes, to who shows a password or a refresh token */
async function serveTokens(
  give: (scopes: string[], grant: string) => string | undefined,
): Promise<AsyncDisposable & { address: string; asked(): number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const query =
        request.method === "POST" ? new URLSearchParams(body) : new URL(request.url ?? "", "http://x").searchParams;
      const scopes = query.getAll("scope").flatMap((text) => text.split(" "));
      const token = give(scopes, query.get("refresh_token") ?? request.headers.authorization ?? "");
      response.writeHead(token === undefined ? 401 : 200).end(JSON.stringify({ access_token: token }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
