import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { nativeSys } from "@gantry/native-sys";
import { test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { type ExportRequest, exportImages } from "../src/images/export/export.ts";
import { imageParts } from "./support/images.ts";
import { makeLayout } from "./support/layout.ts";
import { directory, type Entry, file, symlink, tarOf } from "./support/tar.ts";

const namespace = "test";
const nothing = { images: 0, blobs: 0, snapshots: 0 };
const hexOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

type Parts = ReturnType<typeof imageParts>;

const load = (parts: Parts, request: object, bytes?: Uint8Array) =>
  loadImages({ native: nativeSys(), ...parts }, { namespace, ...request }, piecesOf(bytes));
const namesOf = (images: readonly { name: string }[]) => images.map(({ name }) => name).sort();

async function* piecesOf(bytes: Uint8Array = Buffer.alloc(0)): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function save(parts: Parts, request: Omit<ExportRequest, "namespace">): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const send = async (...blobs: Uint8Array[]) => void chunks.push(...blobs);
  await exportImages(parts.images, { namespace, ...request }, send, new AbortController().signal);
  return Buffer.concat(chunks);
}

/** An index of two platforms and an image of one, as a directory. */
async function layoutOf(parts: Parts): Promise<string> {
  const path = join(parts.directory, "layout");
  const layers = (word: string) => Promise.all([tarOf(directory("d"), file("d/a", word)), tarOf(file("d/b", word))]);
  const [first = [], second = [], third = []] = await Promise.all(["amd64", "arm64", "alone"].map(layers));
  makeLayout(
    path,
    { name: "both", layers: first.map((layer) => gzipSync(layer)) },
    { name: "both", layers: second, architecture: "arm64" },
    { name: "example.org/alone:1", layers: third.map((layer) => zstdCompressSync(layer)) },
  );
  return path;
}

test("a layout's directory is read, for one platform or for all", async (t) => {
  await using parts = imageParts();
  const layout = await layoutOf(parts);
  const images = await load(parts, { directory: layout, defaultName: "app" });
  t.strictSame(namesOf(images), ["docker.io/library/app:both", "example.org/alone:1"]);
  const arm = { namespace, name: "docker.io/library/app:both" };
  await t.rejects(parts.images.resolve(namespace, arm.name, "linux/arm64"), { code: "NotFound" });
  await load(parts, { directory: layout, defaultName: "app", allPlatforms: true, unpack: false });
  t.match((await parts.images.resolve(namespace, arm.name, "linux/arm64")).configDocument, { architecture: "arm64" });
  for (const { name } of images) parts.images.delete(namespace, name);
  t.strictSame(parts.left(), nothing, "what all platforms need goes with the last name");
  await t.rejects(load(parts, { directory: "/nowhere" }), { code: "NotFound", message: /no such directory/ });
  await t.rejects(load(parts, { directory: parts.directory }), { message: /not an image archive/ });
  const linked = join(parts.directory, "linked");
  mkdirSync(linked);
  symlinkSync("/etc/passwd", join(linked, "manifest.json"));
  await t.rejects(load(parts, { directory: linked }), { message: /not an image archive/ }, "links stay inside");
});

test("names are as ctr gives them: a base, digests, the whole index", async (t) => {
  await using parts = imageParts();
  const layout = await layoutOf(parts);
  const only = await load(parts, { directory: layout, baseName: "example.org/alone", unpack: false });
  t.strictSame(namesOf(only), ["example.org/alone:1", "example.org/alone:both"]);
  const digests = await load(parts, {
    directory: layout,
    baseName: "docker.io/team/base",
    digestsIn: "docker.io/team/base",
    indexName: "docker.io/team/index:1",
  });
  const target = digests.find(({ name }) => name === "docker.io/team/base:both")?.target.digest;
  t.strictSame(namesOf(digests), [
    "docker.io/team/base:both",
    `docker.io/team/base@${target}`,
    "docker.io/team/index:1",
  ]);
  const unnamed = await load(parts, {
    directory: layout,
    digestsIn: "example.org/d",
    digestsForUnnamed: true,
    unpack: false,
  });
  t.notOk(namesOf(unnamed).some((name) => name.includes("@")));
});

test("platforms are exported: one, some, all, or those in the store", async (t) => {
  await using parts = imageParts();
  const layout = await layoutOf(parts);
  const name = "docker.io/library/app:both";
  const images = [{ name }];
  const [host] = await load(parts, { directory: layout, defaultName: "app" });
  const format = "oci";
  await t.rejects(save(parts, { images, format, allPlatforms: true }), { code: "NotFound", message: /is not here/ });
  await t.rejects(save(parts, { images, format, platforms: ["linux/arm64"] }), { code: "NotFound" });
  await t.rejects(save(parts, { images, format, platforms: ["linux/s390x"] }), { message: /no matching manifest/ });
  const here = await save(parts, { images, format });
  t.ok(
    here.equals(await save(parts, { images, format, platforms: ["linux/amd64"] })),
    "one platform of the two is here",
  );
  await load(parts, { directory: layout, defaultName: "app", allPlatforms: true });
  const all = await save(parts, { images, format, allPlatforms: true });
  t.ok(all.equals(await save(parts, { images, format })));
  const target = join(parts.directory, "written");
  await exportImages(
    parts.images,
    { namespace, images, format, directory: target },
    async () => {},
    new AbortController().signal,
  );
  t.strictSame(readdirSync(target).sort(), ["blobs", "index.json", "oci-layout"]);
  t.equal(
    readdirSync(join(target, "blobs/sha256")).length,
    9,
    "an index; two manifests with a configuration and two layers",
  );

  await using others = imageParts();
  const loaded = await load(others, { directory: target, allPlatforms: true });
  t.strictSame([loaded[0]?.name, loaded[0]?.target.digest], [name, host?.target.digest], "the index as it was");
  await load(others, {}, here);
  t.not(others.images.get(namespace, name).target.digest, host?.target.digest, "one manifest of it");
});

test("layers of zstd are written plain for Docker, and the image keeps its id", async (t) => {
  await using parts = imageParts();
  const layout = await layoutOf(parts);
  await load(parts, { directory: layout, defaultName: "app" });
  const name = "example.org/alone:1";
  const { config } = await parts.images.resolve(namespace, name, undefined);
  const archive = await save(parts, { images: [{ name }], format: "docker" });
  t.notOk(archive.includes(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])));
  await using others = imageParts();
  t.strictSame(namesOf(await load(others, {}, archive)), [name]);
  t.equal((await others.images.resolve(namespace, name, undefined)).config.digest, config.digest);
});

test("archives of Docker's oldest form are read", async (t) => {
  const [lower, upper] = await Promise.all([tarOf(file("a", "one")), tarOf(file("b", "two"))]);
  const [base, top] = ["1", "2"].map((digit) => digit.repeat(64)) as [string, string];
  const common = { created: "2014-01-02T03:04:05Z", os: "linux", architecture: "amd64" };
  const step = (word: string) => ({ container_config: { Cmd: ["/bin/sh", "-c", word] } });
  const json = (value: object) => JSON.stringify(value);
  const entries = (more: object = {}): Entry[] => [
    directory(`${top}/`),
    file(`${top}/VERSION`, "1.0"),
    file(`${top}/json`, json({ id: top, parent: base, ...common, ...step("top"), config: { Cmd: ["top"] }, ...more })),
    symlink(`${top}/layer.tar`, "../shared/layer"),
    file("shared/layer", "", { content: upper }),
    file(`${base}/json`, json({ id: base, ...common, ...step("base") })),
    file(`${base}/layer.tar`, "", { content: lower }),
  ];
  const repositories = file("repositories", json({ "example.org/old": { v1: top, latest: top }, plain: { base } }));
  await using parts = imageParts();
  const images = await load(parts, {}, gzipSync(await tarOf(...entries(), repositories)));
  t.strictSame(namesOf(images), ["docker.io/library/plain:base", "example.org/old:latest", "example.org/old:v1"]);
  const { configDocument, chainId } = await parts.images.resolve(namespace, "example.org/old:v1", undefined);
  t.match(configDocument, {
    config: { Cmd: ["top"] },
    rootfs: { diff_ids: [`sha256:${hexOf(lower)}`, `sha256:${hexOf(upper)}`] },
    history: [{ created_by: "/bin/sh -c base" }, { created_by: "/bin/sh -c top" }],
  });
  t.notOk("id" in configDocument || "parent" in configDocument);
  t.ok(chainId);
  const [headOnly] = await load(parts, {}, await tarOf(...entries()));
  t.match(headOnly?.name, /^sha256:/, "without names, the image that is no other's parent");
  for (const { name } of [...images, headOnly as { name: string }]) parts.images.delete(namespace, name);
  const reject = async (archive: Promise<Buffer>, message: RegExp) =>
    t.rejects(load(parts, {}, await archive), { message });
  await reject(tarOf(...entries({ parent: top }), repositories), /is its own parent/);
  await reject(tarOf(...entries({ parent: "3".repeat(64) }), repositories), /the archive lacks 3+\/json/);
  await reject(tarOf(...entries({ id: "other" }), repositories), /is about other/);
  t.strictSame(parts.left(), nothing);
  t.strictSame(readdirSync(`${parts.root}/ingest`), []);
});

test("members of a docker-archive may be in any order, and layers may be links", async (t) => {
  const layer = await tarOf(file("a", "one"));
  const diffIds = [`sha256:${hexOf(layer)}`];
  const config = JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: diffIds } });
  const manifest = (path: string) => JSON.stringify([{ Config: "c.json", RepoTags: ["a:1", "b:2"], Layers: [path] }]);
  const members = [
    file("manifest.json", manifest("x/layer.tar")),
    symlink("x/layer.tar", "../y/layer.tar"),
    symlink("y/layer.tar", "../real"),
    file("c.json", config),
    file("real", "", { content: gzipSync(layer) }),
  ];
  for (const entries of [members, members.toReversed()]) {
    await using parts = imageParts();
    t.strictSame(namesOf(await load(parts, {}, await tarOf(...entries))), [
      "docker.io/library/a:1",
      "docker.io/library/b:2",
    ]);
  }
  await using parts = imageParts();
  const other = file("real", "", { content: await tarOf(file("a", "not this")) });
  for (const unpack of [true, false]) {
    const wrong = await tarOf(...members.slice(0, 4), other);
    await t.rejects(load(parts, { unpack }, wrong), { code: "InvalidArgument", message: /wrong content/ });
  }
  const circle = [file("manifest.json", manifest("x")), file("c.json", config), symlink("x", "y"), symlink("y", "x")];
  await t.rejects(load(parts, {}, await tarOf(...circle)), { message: /the archive lacks x/ });
  t.strictSame(parts.left(), nothing);
});
