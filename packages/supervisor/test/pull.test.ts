import { readdirSync } from "node:fs";
import { busyboxArchive, run, tempDir } from "@gantry/testkit";
import { before, t as tap, test } from "tap";
import { imageParts } from "./support/images.ts";
import { freeAddress, passOn, startProxy, startRegistry } from "./support/registry.ts";

const nothing = { images: 0, blobs: 0, snapshots: 0 };
const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let registry = "";

before(async () => {
  const directory = scope.use(tempDir("registry"));
  ({ address: registry } = scope.use(await startRegistry(directory.path)));
  const archive = await busyboxArchive(directory.path);
  const copy = async (to: string, ...flags: string[]) => {
    const target = `docker://${registry}/${to}`;
    const { code, stderr } = await run("skopeo", [
      "copy",
      "--dest-tls-verify=false",
      ...flags,
      `docker-archive:${archive}`,
      target,
    ]);
    if (code !== 0) throw new Error(stderr);
  };
  await copy("team/busybox:1", "--dest-compress-format", "gzip");
  await copy("team/busybox:zstd", "--format", "oci", "--dest-compress-format", "zstd");
  await copy("team/busybox:docker", "--format", "v2s2");
});

test("an image is pulled, once, whatever its layers are compressed with", async (t) => {
  await using parts = imageParts();
  const name = `${registry}/team/busybox:1`;
  const first = await parts.pull({ name });
  t.equal(first.changed, true);
  const statuses = parts.statuses.map((status) => status.replace(/^.*: /, ""));
  for (const status of ["Pulling fs layer", "Downloading", "Download complete", "Extracting", "Pull complete"]) {
    t.ok(statuses.includes(status), status);
  }
  const resolved = await parts.images.resolve("test", name, undefined);
  t.match(resolved.configDocument, { config: { Cmd: ["sh"] } });
  t.strictSame(resolved.repoDigests, [`${registry}/team/busybox@${first.image.target.digest}`]);
  t.ok(resolved.unpackedSize > 500_000);
  const snapshot = parts.stores.snapshots.get("test", resolved.chainId);
  t.ok(readdirSync(parts.stores.snapshots.directory(snapshot.id)).includes("bin"));

  t.equal((await parts.pull({ name })).changed, false);
  for (const tag of ["zstd", "docker"]) {
    const other = `${registry}/team/busybox:${tag}`;
    await parts.pull({ name: other });
    t.equal((await parts.images.resolve("test", other, undefined)).chainId, resolved.chainId);
  }
  const byDigest = `${registry}/team/busybox@${first.image.target.digest}`;
  t.equal((await parts.pull({ name: byDigest })).image.name, byDigest);
  for (const image of parts.stores.metadata.images.list("test")) parts.images.delete("test", image.name);
  t.strictSame(parts.left(), nothing);
  t.strictSame(readdirSync(`${parts.root}/blobs/sha256`), []);
});

test("a failed pull has a clear error and leaves nothing", async (t) => {
  await using parts = imageParts();
  const pull = (name: string, more = {}) => parts.pull({ name, ...more });
  await t.rejects(pull(`${registry}/team/none:1`), {
    code: "NotFound",
    message: /manifest for .*team\/none:1 not found/,
  });
  await t.rejects(pull(`${await freeAddress()}/x:1`), {
    code: "Unavailable",
    message: /127.0.0.1:\d+\/x:1.*connection refused/,
  });
  await t.rejects(pull("127.0.0.1:1/x:1"), { code: "Unavailable", message: /127.0.0.1:1\/x:1.*connection refused/ });
  await t.rejects(pull("busybox"), { code: "InvalidArgument", message: /docker.io\/library\/busybox:latest/ });
  const absent = `sha256:${"0".repeat(64)}`;
  await t.rejects(pull(`${registry}/team/busybox@${absent}`), { code: "NotFound" });
  await t.rejects(pull(`${registry}/team/busybox:1`, { platform: "linux/s390x" }), {
    code: "InvalidArgument",
    message: /does not match the specified platform \(linux\/s390x\)/,
  });
  await t.rejects(pull(`${registry}/team/busybox:1`, { platform: "what/ever/it/is" }), { message: /invalid platform/ });
  t.strictSame(parts.left(), nothing);
});

test("content with a wrong digest is refused, and leaves nothing", async (t) => {
  await using proxy = await startProxy(registry, (request, response) => {
    if (!request.url?.includes("/blobs/")) return false;
    passOn(registry, request, Object.assign(response, { end: corruptEnd(response.end.bind(response)) })).catch(
      () => {},
    );
    return true;
  });
  await using parts = imageParts();
  const name = `${proxy.address}/team/busybox:1`;
  await t.rejects(parts.pull({ name }), { code: "InvalidArgument", message: /busybox:1.*wrong digest/ });
  t.strictSame(parts.left(), nothing);
  t.strictSame(readdirSync(`${parts.root}/ingest`), []);
});

test("a busy server and broken connections are retried, and downloads resumed", async (t) => {
  let busy = 2;
  let cuts = 2;
  await using proxy = await startProxy(registry, (request, response) => {
    if (busy > 0) {
      busy -= 1;
      response.writeHead(busy === 0 ? 503 : 429, { "retry-after": "0" }).end();
      return true;
    }
    if (cuts === 0 || !request.url?.includes("/blobs/")) return false;
    cuts -= 1;
    passOn(registry, request, Object.assign(response, { end: cutEnd(response) })).catch(() => {});
    return true;
  });
  await using parts = imageParts();
  const { changed } = await parts.pull({ name: `${proxy.address}/team/busybox:1` });
  t.ok(changed);
  t.equal(cuts, 0);
});

test("tokens and passwords answer the challenges of registries", async (t) => {
  const basic = `Basic ${Buffer.from("user:secret").toString("base64")}`;
  const guarded = (wants: "bearer" | "basic") =>
    startProxy(registry, (request, response, address) => {
      const given = request.headers.authorization;
      if (request.url?.startsWith("/token")) {
        const allowed = given === undefined || given === basic;
        response.writeHead(allowed ? 200 : 401).end(JSON.stringify({ token: given ? "full" : "anonymous" }));
        return true;
      }
      if (given === (wants === "basic" ? basic : "Bearer full")) return false;
      const bearer = `Bearer realm="http://${address}/token",service="test",scope="repository:team/busybox:pull"`;
      response.writeHead(401, { "www-authenticate": wants === "basic" ? 'Basic realm="test"' : bearer }).end();
      return true;
    });
  for (const wants of ["bearer", "basic"] as const) {
    await using proxy = await guarded(wants);
    await using parts = imageParts();
    const name = `${proxy.address}/team/busybox:1`;
    const auth = { username: "user", password: "secret" };
    await t.rejects(parts.pull({ name }), { code: "PermissionDenied", message: /pull access denied for .*busybox:1/ });
    const wrong = { username: "user", password: "guess" };
    await t.rejects(parts.pull({ name, auth: wrong }), { code: "PermissionDenied" });
    t.strictSame(parts.left(), nothing);
    t.ok((await parts.pull({ name, auth })).changed, wants);
    if (wants === "bearer") {
      t.ok(
        proxy.requests.some((path) => path.includes("/token?service=test&scope=repository%3Ateam%2Fbusybox%3Apull")),
      );
    }
  }
});

test("a cancelled pull stops and leaves nothing", async (t) => {
  const stop = new AbortController();
  await using proxy = await startProxy(registry, (request) => {
    if (!request.url?.includes("/blobs/")) return false;
    stop.abort();
    return true; // and never answers
  });
  await using parts = imageParts();
  await t.rejects(parts.pull({ name: `${proxy.address}/team/busybox:1` }, stop.signal));
  t.strictSame(parts.left(), nothing);
});

type End = (body: Buffer) => unknown;

function corruptEnd(end: End): never {
  const corrupt = (body: Buffer) => {
    if (body.length > 10) body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    end(body);
  };
  return corrupt as never;
}

function cutEnd(response: { write(chunk: Buffer, done: () => void): unknown; destroy(): void }): never {
  const cut = (body: Buffer) => response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  return cut as never;
}
