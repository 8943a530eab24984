import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import type { ImageDescriptor } from "@gantry/oci-spec";
import { busyboxArchive, run, tempDir } from "@gantry/testkit";
import { before, test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { type ExportRequest, exportImages } from "../src/images/export/export.ts";
import { imageParts } from "./support/images.ts";

const namespace = "test";
const busybox = "docker.io/library/busybox:latest";
const scope = new AsyncDisposableStack();
let work = "";
let archive = "";

before(async () => {
  work = scope.use(tempDir("export")).path;
  archive = await busyboxArchive(work);
});

type Parts = ReturnType<typeof imageParts>;

const load = (parts: Parts, path: string, more: object = {}) =>
  loadImages({ native: nativeSys(), ...parts }, { namespace, ...more }, createReadStream(path));

async function save(parts: Parts, path: string, request: Omit<ExportRequest, "namespace">): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const send = async (...blobs: Uint8Array[]) => void chunks.push(...blobs);
  const size = await exportImages(parts.images, { namespace, ...request }, send, new AbortController().signal);
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== size) throw new Error(`${size} bytes were announced, ${bytes.length} arrived`);
  writeFileSync(path, bytes);
  return bytes;
}

test("an export is loaded with the same target, names and bytes", async (t) => {
  await using parts = imageParts();
  const [image] = await load(parts, archive);
  parts.images.set(namespace, "example.org/second:2", image?.target as ImageDescriptor);
  for (const format of ["oci", "docker"] as const) {
    const path = join(work, `again-${format}.tar`);
    const wanted = { images: [{ name: busybox }, { name: "example.org/second:2" }], format };
    const bytes = await save(parts, path, wanted);
    t.ok(bytes.equals(await save(parts, path, wanted)), "the same image twice: the same bytes");
    await using others = imageParts();
    const loaded = await load(others, path);
    t.strictSame(
      loaded.map(({ name, target }) => [name, target.digest]),
      [busybox, "example.org/second:2"].map((name) => [name, image?.target.digest]),
    );
    const listed = (await run("tar", ["tf", path])).stdout.split("\n").filter(Boolean);
    t.equal(listed.includes("manifest.json"), format === "docker");
    t.equal(new Set(listed).size, listed.length, "no file is there twice");
    t.equal(listed.filter((name) => name.startsWith("blobs/sha256/") && !name.endsWith("/")).length, 3);
  }
});

test("teardown", async () => {
  await scope.disposeAsync();
});
