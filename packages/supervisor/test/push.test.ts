import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { nativeSys } from "@gantry/native-sys";
import { busyboxArchive, tempDir, writeDockerArchive } from "@gantry/testkit";
import { before, t as tap, test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { imageParts } from "./support/images.ts";
import { passOn, skopeo, startProxy, startRegistry } from "./support/registry.ts";

const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let directory = "";
let registry = "";
let other = "";
let archive = "";

before(async () => {
  directory = scope.use(tempDir("push")).path;
  ({ address: registry } = scope.use(await startRegistry(directory)));
  ({ address: other } = scope.use(await startRegistry(directory)));
  archive = await busyboxArchive(directory);
  const target = `docker://${registry}/team/busybox:1`;
  await skopeo("copy", "-q", "--dest-tls-verify=false", "--format", "oci", `docker-archive:${archive}`, target);
});

test("a pulled image is pushed: uploaded, mounted, or present already; skopeo reads the same back", async (t) => {
  await using parts = imageParts();
  const { image } = await parts.pull({ name: `${registry}/team/busybox:1` });
  const { digest } = image.target;
  const push = async (name: string) => {
    parts.statuses.length = 0;
    t.equal((await parts.push({ name, source: image.name })).digest, digest);
    t.equal(await digestAt(name), digest, name);
    return parts.statuses.filter((status) => !status.startsWith(":")).map((status) => status.replace(/^.*?: /, ""));
  };
  t.strictSame(await push(`${registry}/team/copy:1`), ["Preparing", "Mounted from team/busybox"]);
  t.strictSame(await push(`${registry}/team/copy:2`), ["Preparing", "Layer already exists"]);
  t.match(await push(`${other}/far/away:1`), ["Preparing", /^(Pushing|Pushed)$/]);
  t.strictSame(await push(`${other}/far/away:1`), ["Preparing", "Layer already exists"]);
  t.strictSame(await push(`${other}/near:1`), ["Preparing", "Mounted from far/away"], "what was pushed is mounted too");
  t.equal((await parts.push({ name: `${other}/near@${digest}`, source: image.name })).digest, digest, "by digest");
  const wrong = `${other}/near@sha256:${"0".repeat(64)}`;
  await t.rejects(parts.push({ name: wrong, source: image.name }), {
    code: "InvalidArgument",
    message: /has another digest than .*: sha256/,
  });
  await t.rejects(parts.push({ name: `${other}/none:1` }), { code: "NotFound", message: /no such image/ });
});

test("a loaded image is pushed", async (t) => {
  await using parts = imageParts();
  const [image] = await loadArchive(parts, archive);
  const name = `${registry}/team/loaded:1`;
  const target = await parts.push({ name, source: image?.name });
  t.equal(await digestAt(name), target.digest);
  await using second = imageParts();
  t.equal((await second.pull({ name })).image.target.digest, target.digest);
});

test("a large layer is uploaded in pieces, and resumed after a broken connection", async (t) => {
  await using parts = imageParts();
  const name = await loadLarge(parts);
  let cuts = 2;
  await using proxy = await startProxy(other, (request, response) => {
    if (request.method !== "PATCH" || cuts === 0 || !request.headers["content-range"]?.startsWith("33554432-"))
      return false;
    cuts -= 1;
    response.destroy();
    return true;
  });
  const target = await parts.push({ name: `${proxy.address}/large:1`, source: name });
  t.equal(cuts, 0);
  t.equal(await digestAt(`${other}/large:1`), target.digest);
  const patches = proxy.requests.filter((request) => request.startsWith("PATCH"));
  t.equal(patches.length, 4, "no piece that had come was sent again");
});

test("a registry that takes no pieces gets the layer whole", async (t) => {
  await using parts = imageParts();
  const name = await loadLarge(parts);
  await using proxy = await startProxy(other, (request, response) => {
    if (request.method !== "PATCH") return false;
    request.resume();
    request.on("end", () => response.writeHead(405).end());
    return true;
  });
  const target = await parts.push({ name: `${proxy.address}/whole:1`, source: name });
  t.equal(await digestAt(`${other}/whole:1`), target.digest);
});

test("bursts of 429 and 503 are retried; a lasting refusal is reported", async (t) => {
  await using parts = imageParts();
  const source = (await parts.pull({ name: `${registry}/team/busybox:1` })).image.name;
  let busy = 3;
  await using proxy = await startProxy(other, (_, response) => {
    if (busy === 0) return false;
    busy -= 1;
    response.writeHead(busy === 0 ? 503 : 429, { "retry-after": "0" }).end();
    return true;
  });
  await parts.push({ name: `${proxy.address}/busy:1`, source });
  t.equal(busy, 0);
  await using refusing = await startProxy(other, (request, response) => {
    if (request.method !== "PUT" || !request.url?.includes("/manifests/")) return false;
    request.resume();
    const errors = [{ code: "MANIFEST_INVALID", message: "no\u0007 such\nthing" }];
    response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
    return true;
  });
  await t.rejects(parts.push({ name: `${refusing.address}/never:1`, source }), {
    code: "Unavailable",
    message: /cannot push .*never:1: registry .* answers with status 400: no such thing$/,
  });
});

test("uploads follow the registry's Location, without its credentials", async (t) => {
  await using parts = imageParts();
  const source = (await parts.pull({ name: `${registry}/team/busybox:1` })).image.name;
  const seen: (string | undefined)[] = [];
  await using storage = await startProxy(other, (request) => {
    seen.push(request.headers.authorization);
    return false;
  });
  await using front = await startProxy(other, (request, response, address) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
      return true;
    }
    const withLocation = Object.assign(response, { writeHead: elsewhere(response, address, storage.address) });
    delete request.headers.authorization;
    passOn(other, request, withLocation).catch(() => response.destroy());
    return true;
  });
  const auth = { username: "user", password: "secret" };
  const target = await parts.push({ name: `${front.address}/apart:1`, source, auth });
  t.equal(await digestAt(`${other}/apart:1`), target.digest);
  t.ok(seen.length > 0);
  t.ok(seen.every((value) => value === undefined));
});

test("an index is pushed whole when it is complete, else only this platform", async (t) => {
  await using parts = imageParts();
  const image = await digestAt(`${registry}/team/busybox:1`);
  const manifest = await documentAt(registry, "team/busybox", image);
  const mine = { mediaType: manifest.type, digest: image, size: manifest.bytes.length };
  const platform = { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch };
  const annotated = {
    ...JSON.parse(manifest.bytes.toString()),
    mediaType: manifest.type,
    annotations: { for: "another" },
  };
  const changed = Buffer.from(JSON.stringify(annotated));
  await putManifest(registry, "team/busybox", changed);
  const theirs = { mediaType: manifest.type, digest: digestOf(changed), size: changed.length };
  const type = "application/vnd.oci.image.index.v1+json";
  const manifests = [
    { ...mine, platform },
    { ...theirs, platform: { os: "linux", architecture: "s390x" } },
  ];
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }));
  await putManifest(registry, "team/busybox", index, "index");

  const name = `${registry}/team/busybox:index`;
  const partly = await parts.pull({ name });
  t.equal(partly.image.target.digest, digestOf(index));
  t.equal((await parts.push({ name: `${other}/index:part`, source: name })).digest, image);
  await t.rejects(parts.push({ name: `${other}/index:all`, source: name, allPlatforms: true }), {
    code: "NotFound",
    message: /is not here as a whole: sha256:\w+ \(linux\/s390x\) is missing/,
  });
  await parts.pull({ name, allPlatforms: true });
  t.equal((await parts.push({ name: `${other}/index:all`, source: name })).digest, digestOf(index));
  t.equal(await digestAt(`${other}/index:all`), digestOf(index));
  const one = await parts.push({ name: `${other}/index:one`, source: name, platform: "linux/s390x" });
  t.equal(one.digest, theirs.digest);
});

test("artifacts are kept whole, and referrers of an image with it", async (t) => {
  await using parts = imageParts();
  const image = await digestAt(`${registry}/team/busybox:1`);
  const subject = await documentAt(registry, "team/busybox", image);
  const blob = randomBytes(1000);
  const config = Buffer.from("{}");
  for (const bytes of [blob, config]) await putBlob(registry, "team/busybox", bytes);
  const type = "application/vnd.oci.image.manifest.v1+json";
  const artifact = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      artifactType: "application/vnd.example.signature",
      config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(config), size: 2 },
      layers: [{ mediaType: "application/vnd.example", digest: digestOf(blob), size: blob.length }],
      subject: { mediaType: subject.type, digest: image, size: subject.bytes.length },
    }),
  );
  await putManifest(registry, "team/busybox", artifact, "signature");
  const pulled = await parts.pull({ name: `${registry}/team/busybox:signature` });
  t.equal(pulled.image.target.digest, digestOf(artifact));
  t.ok(parts.stores.content.has("test", digestOf(blob)));
  t.equal(parts.left().snapshots, 0, "there is nothing to unpack");
  const name = `${other}/team/signature:1`;
  t.equal((await parts.push({ name, source: pulled.image.name })).digest, digestOf(artifact));
  t.strictSame((await documentAt(other, "team/signature", "1")).bytes, artifact);

  // This registry has no referrers API: the push has kept the list under the subject's tag, and the pull finds it there.
  const tag = `sha256-${image.slice(7)}`;
  const list = JSON.parse((await documentAt(other, "team/signature", tag)).bytes.toString());
  t.match(list.manifests, [{ digest: digestOf(artifact), artifactType: "application/vnd.example.signature" }]);
  await parts.push({ name: `${other}/team/signature:image`, source: await pullPlain(parts) });
  await using second = imageParts();
  const whole = await second.pull({ name: `${other}/team/signature:image`, referrers: true });
  t.ok(second.stores.content.has("test", digestOf(artifact)));
  t.ok(second.stores.content.has("test", digestOf(blob)));
  await second.push({ name: `${registry}/moved:1`, source: whole.image.name, referrers: true });
  t.strictSame((await documentAt(registry, "moved", digestOf(artifact))).bytes, artifact);
  second.images.delete("test", whole.image.name);
  t.equal(second.left().blobs, 0, "and it goes with the image");
});

test("the referrers API is used where a registry has it", async (t) => {
  const subject = await documentAt(other, "team/signature", "image");
  const artifact = await documentAt(other, "team/signature", "1");
  const type = "application/vnd.oci.image.index.v1+json";
  const descriptor = { mediaType: artifact.type, digest: digestOf(artifact.bytes), size: artifact.bytes.length };
  await using api = await startProxy(other, (request, response) => {
    if (request.url === `/v2/team/signature/referrers/${digestOf(subject.bytes)}`) {
      const index = { schemaVersion: 2, mediaType: type, manifests: [descriptor] };
      response.writeHead(200, { "content-type": type }).end(JSON.stringify(index));
      return true;
    }
    if (request.method === "PUT" && request.url?.includes("/manifests/")) response.setHeader("oci-subject", "sha256:1");
    return false;
  });
  await using parts = imageParts();
  const name = `${api.address}/team/signature:image`;
  await parts.pull({ name, referrers: true });
  t.ok(parts.stores.content.has("test", descriptor.digest));
  t.notOk(
    api.requests.some((request) => request.includes("/manifests/sha256-")),
    "no tag is looked for",
  );
  await parts.push({ name: `${api.address}/by/api:1`, source: name, referrers: true });
  t.strictSame((await documentAt(other, "by/api", descriptor.digest)).bytes, artifact.bytes);
  t.notOk(
    api.requests.some((request) => request.includes("/manifests/sha256-")),
    "and none is written",
  );
});

type Parts = ReturnType<typeof imageParts>;

async function pullPlain(parts: Parts): Promise<string> {
  return (await parts.pull({ name: `${registry}/team/busybox:1` })).image.name;
}

async function loadArchive(parts: Parts, path: string) {
  const { images, progress } = parts;
  return await loadImages({ native: nativeSys(), images, progress }, { namespace: "test" }, createReadStream(path));
}

/** An image with a layer of 34 MiB. */
async function loadLarge(parts: Parts): Promise<string> {
  const path = `${directory}/large.tar`;
  const content = Buffer.alloc(34 << 20, "gantry");
  await writeDockerArchive(path, { name: "large:1", layers: [[{ path: "large", content }]], config: {} });
  const [image] = await loadArchive(parts, path);
  return image?.name ?? "";
}

async function digestAt(name: string): Promise<string> {
  return (await skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${name}`)).trim();
}

const manifestTypes = ["image.manifest.v1+json", "image.index.v1+json"].map((type) => `application/vnd.oci.${type}`);

async function documentAt(host: string, path: string, name: string): Promise<{ bytes: Buffer; type: string }> {
  const answer = await fetch(`http://${host}/v2/${path}/manifests/${name}`, {
    headers: { accept: manifestTypes.join() },
  });
  if (!answer.ok) throw new Error(`${path} ${name}: ${answer.status}`);
  return { bytes: Buffer.from(await answer.arrayBuffer()), type: answer.headers.get("content-type") ?? "" };
}

async function putManifest(host: string, path: string, body: Buffer, tag = digestOf(body)): Promise<void> {
  const { mediaType } = JSON.parse(body.toString()) as { mediaType: string };
  const url = `http://${host}/v2/${path}/manifests/${tag}`;
  const headers = { "content-type": mediaType };
  const answer = await fetch(url, { method: "PUT", headers, body: new Uint8Array(body) });
  if (!answer.ok) throw new Error(`${tag}: ${answer.status} ${await answer.text()}`);
}

async function putBlob(host: string, path: string, bytes: Buffer): Promise<void> {
  const begun = await fetch(`http://${host}/v2/${path}/blobs/uploads/`, { method: "POST" });
  const url = new URL(begun.headers.get("location") ?? "");
  url.searchParams.set("digest", digestOf(bytes));
  await fetch(url, { method: "PUT", body: new Uint8Array(bytes) });
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Makes a proxy's Location headers lead to another address. */
function elsewhere(response: { writeHead: (...args: never[]) => unknown }, from: string, to: string): never {
  const before = response.writeHead.bind(response) as (status: number, headers: Record<string, string>) => unknown;
  const changed = (status: number, headers: Record<string, string>) => {
    const { location } = headers;
    const path = location?.replace(`http://${from}`, "");
    return before(status, {
      ...headers,
      ...(path !== undefined && status === 202 && { location: `http://${to}${path}` }),
    });
  };
  return changed as never;
}
