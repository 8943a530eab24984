import { createReadStream, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { nativeSys } from "@gantry/native-sys";
import { busyboxArchive, run, tempDir } from "@gantry/testkit";
import { before, test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { importRootfs } from "../src/images/import-rootfs.ts";
import { imageParts } from "./support/images.ts";
import { directory, file, tarOf } from "./support/tar.ts";

const nothing = { images: 0, blobs: 0, snapshots: 0 };
const namespace = "test";
const scope = new AsyncDisposableStack();
let work = "";
let archive = "";

before(async () => {
  work = scope.use(tempDir("load")).path;
  archive = await busyboxArchive(work);
});

type Parts = ReturnType<typeof imageParts>;

const load = (parts: Parts, path: string, more: { defaultName?: string } = {}) =>
  loadImages({ native: nativeSys(), ...parts }, { namespace, ...more }, createReadStream(path));
const loadBytes = (parts: Parts, bytes: Uint8Array) =>
  loadImages(
    { native: nativeSys(), ...parts },
    { namespace },
    (async function* () {
      yield bytes;
    })(),
  );

async function skopeo(target: string): Promise<string> {
  const path = join(work, target.replace(/\W/g, "_"));
  const { code, stderr } = await run("skopeo", ["copy", `docker-archive:${archive}`, target.replace("PATH", path)]);
  if (code !== 0) throw new Error(stderr);
  return path;
}

test("docker-archives and OCI archives of the same image give the same root file system", async (t) => {
  await using parts = imageParts();
  const plain = await load(parts, archive);
  t.strictSame(
    plain.map(({ name }) => name),
    ["docker.io/library/busybox:latest"],
  );
  const { chainId } = await parts.images.resolve(namespace, "docker.io/library/busybox:latest", undefined);

  const bytes = readFileSync(archive);
  for (const compressed of [gzipSync(bytes), zstdCompressSync(bytes)]) {
    t.equal((await loadBytes(parts, compressed))[0]?.target.digest, plain[0]?.target.digest);
  }
  const cases: [path: string, defaultName: string | undefined, name: string][] = [
    [await skopeo("docker-archive:PATH:team/app:3"), undefined, "docker.io/team/app:3"],
    [await skopeo("oci-archive:PATH:localhost/named:2"), undefined, "localhost/named:2"],
    [await skopeo("oci-archive:PATH:v7"), "host:5000/app", "host:5000/app:v7"],
    [await skopeo("oci-archive:PATH"), "fallback", "docker.io/library/fallback:latest"],
  ];
  for (const [path, defaultName, name] of cases) {
    const [image] = await load(parts, path, defaultName === undefined ? {} : { defaultName });
    t.equal(image?.name, name);
    t.equal((await parts.images.resolve(namespace, name, undefined)).chainId, chainId);
  }
  const [unnamed] = await load(parts, await skopeo("oci-archive:PATH"));
  t.match(unnamed?.name, /^sha256:/, "an image without any name is called by its digest");
});

test("several images of one archive are all loaded", async (t) => {
  await using parts = imageParts();
  const more = join(work, "several.tar");
  const { code, stderr } = await run("skopeo", [
    "copy",
    `docker-archive:${archive}`,
    `docker-archive:${more}:a:1`,
    "--additional-tag",
    "b:2",
  ]);
  t.equal(code, 0, stderr);
  const names = (await load(parts, more)).map(({ name }) => name);
  t.strictSame(names, ["docker.io/library/a:1", "docker.io/library/b:2"]);
  t.strictSame(parts.images.delete(namespace, "docker.io/library/a:1"), [], "the other name needs all of it");
  t.equal(parts.images.delete(namespace, "docker.io/library/b:2").length, 3);
  t.strictSame(parts.left(), nothing);
});

test("a file that is no archive, or a damaged one, is refused and leaves nothing", async (t) => {
  await using parts = imageParts();
  const whole = readFileSync(archive);
  const reject = (bytes: Uint8Array, message: RegExp) =>
    t.rejects(loadBytes(parts, bytes), { code: "InvalidArgument", message });
  await reject(Buffer.from("hello"), /cannot load the archive/);
  await reject(whole.subarray(0, whole.length >> 1), /unexpected end of the tar archive/);
  await reject(await tarOf(directory("etc"), file("etc/passwd")), /not an image archive/);
  await reject(await tarOf(file("manifest.json", "[")), /manifest.json of a docker archive: not JSON/);
  await reject(await tarOf(file("manifest.json", '[{"Config":"../x","Layers":[]}]')), /points outside/);
  await reject(await tarOf(file("manifest.json", '[{"Config":"x","Layers":[]}]')), /the archive lacks x/);
  await reject(await tarOf(file("../manifest.json", "[]")), /points outside/);
  const layout = file("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  await reject(await tarOf(layout, file("index.json", '{"schemaVersion":2,"manifests":[]}')), /holds no image/);
  const wrong = `sha256:${"0".repeat(64)}`;
  const index = {
    schemaVersion: 2,
    manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest: wrong, size: 2 }],
  };
  await reject(
    await tarOf(layout, file("index.json", JSON.stringify(index)), file(`blobs/sha256/${"0".repeat(64)}`, "{}")),
    /wrong digest/,
  );
  t.strictSame(parts.left(), nothing);
  t.strictSame(readdirSync(`${parts.root}/ingest`), []);
  t.strictSame(readdirSync(`${parts.root}/blobs/sha256`), []);
});

test("the tar of a root file system is imported as an image, compressed or not", async (t) => {
  await using parts = imageParts();
  const tar = await tarOf({ ...directory("./"), mode: 0o755 }, directory("bin"), file("bin/tool", "#!"));
  const plainPath = join(work, "rootfs.tar");
  writeFileSync(plainPath, tar);
  await run("xz", ["-k", plainPath]);
  const chains = new Set<string>();
  for (const [at, bytes] of [tar, gzipSync(tar), zstdCompressSync(tar), readFileSync(`${plainPath}.xz`)].entries()) {
    const name = `docker.io/library/imported:${at}`;
    const request = { namespace, name, configDocument: { config: { Cmd: ["tool"] }, author: "me" } };
    const { image, configDigest } = await importRootfs(
      parts,
      request,
      (async function* () {
        yield bytes;
      })(),
    );
    t.equal(image.name, name);
    const resolved = await parts.images.resolve(namespace, name, undefined);
    t.equal(resolved.config.digest, configDigest);
    t.match(resolved.configDocument, { os: "linux", author: "me", config: { Cmd: ["tool"] } });
    chains.add(resolved.chainId);
    const { id } = parts.stores.snapshots.get(namespace, resolved.chainId);
    t.ok(statSync(join(parts.stores.snapshots.directory(id), "bin/tool")).isFile());
  }
  t.equal(chains.size, 1);
  const request = { namespace, name: "short", configDocument: {} };
  await t.rejects(importRootfs(parts, request, empty()), {
    message: /given in full/,
  });
});

test("teardown", async () => {
  await scope.disposeAsync();
});

async function* empty(): AsyncGenerator<Uint8Array> {}
