import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { mountSnapshot, nativeSys } from "@gantry/native-sys";
import { digestOf } from "@gantry/oci-spec";
import { test } from "tap";
import { createDiff } from "../src/diff/create.ts";
import { applyLayer } from "../src/layers/apply-layer.ts";
import type { SnapshotRow, SnapshotterName } from "../src/metadata/snapshots.ts";
import { unmountAll } from "../src/tasks/rootfs.ts";
import { imageParts } from "./support/images.ts";
import { change, describe, grow, randomFrom } from "./support/trees.ts";

const native = nativeSys();
const namespace = "test";
const plain = "application/vnd.oci.image.layer.v1.tar";

/** Snapshots of one driver that a test looks into and changes as a container would. */
function workbench(snapshotter: SnapshotterName) {
  const parts = imageParts();
  const { snapshots, content } = parts.stores;
  let count = 0;
  const inside = async <T>(row: SnapshotRow, work: (root: string) => T | Promise<T>): Promise<T> => {
    const target = join(parts.directory, `mnt${count++}`);
    mkdirSync(target);
    mountSnapshot(snapshots.mounts(row), target);
    try {
      return await work(target);
    } finally {
      await unmountAll(native, target);
    }
  };
  return {
    ...parts,
    inside,
    prepare: async (parent: string) => await snapshots.prepare(namespace, `active${count++}`, parent, { snapshotter }),
    /** A committed snapshot with changes to its parent. */
    async make(parent: string, work: (root: string) => void | Promise<void>): Promise<SnapshotRow> {
      const row = await this.prepare(parent);
      await inside(row, work);
      const name = `made${count++}`;
      await snapshots.commit(row, name);
      return snapshots.get(namespace, name, snapshotter);
    },
    async describe(row: SnapshotRow) {
      const view = await snapshots.prepare(namespace, `view${count++}`, row.key, { snapshotter, kind: "view" });
      return await inside(view, describe);
    },
    async diff(upper: SnapshotRow, lower: SnapshotRow | undefined, mediaType = plain) {
      const created = await createDiff(native, parts.stores, { upper, lower, mediaType, managed: false });
      return { ...created, bytes: content.readAll(namespace, created.descriptor.digest) };
    },
    /** A committed snapshot of a layer on a parent. */
    async apply(parent: string, layer: Buffer): Promise<SnapshotRow> {
      const row = await this.prepare(parent);
      await applyLayer(native, once(layer), snapshots.layerTarget(row));
      const name = `applied${count++}`;
      await snapshots.commit(row, name);
      return snapshots.get(namespace, name, snapshotter);
    },
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Names of a tar as GNU tar lists them. */
function list(layer: Buffer): string[] {
  const { stdout, status } = spawnSync("tar", ["-t"], { input: layer, encoding: "latin1" });
  if (status !== 0) throw new Error("tar cannot read it");
  return stdout.trim().split("\n");
}

for (const snapshotter of ["overlayfs", "native"] as const) {
  test(`${snapshotter}: a diff that is applied gives the same tree`, async (t) => {
    for (let seed = 1; seed <= 8; seed++) {
      await using bench = workbench(snapshotter);
      const random = randomFrom(seed);
      const lower = await bench.make("", (root) => grow(root, random, 30));
      const upper = await bench.make(lower.key, (root) => change(root, random, 25));
      const wanted = await bench.describe(upper);
      const layer = await bench.diff(upper, lower);
      t.strictSame(await bench.describe(await bench.apply(lower.key, layer.bytes)), wanted, `seed ${seed}`);
      t.equal((await bench.diff(upper, lower)).diffId, layer.diffId, "the same trees give the same bytes");
      const whole = await bench.diff(upper, undefined);
      t.strictSame(await bench.describe(await bench.apply("", whole.bytes)), wanted, `seed ${seed}, on nothing`);
      t.same(list((await bench.diff(upper, upper)).bytes), [""], "nothing differs from itself");
    }
  });

  test(`${snapshotter}: two snapshots that are not each other's parents are compared`, async (t) => {
    await using bench = workbench(snapshotter);
    const base = await bench.make("", (root) => grow(root, randomFrom(70), 25));
    const one = await bench.make(base.key, (root) => change(root, randomFrom(71), 15));
    const middle = await bench.make(base.key, (root) => change(root, randomFrom(72), 15));
    const other = await bench.make(middle.key, (root) => change(root, randomFrom(73), 15));
    const layer = await bench.diff(other, one);
    t.strictSame(await bench.describe(await bench.apply(one.key, layer.bytes)), await bench.describe(other));
  });

  test(`${snapshotter}: whiteouts, sockets, and directories that were replaced`, async (t) => {
    await using bench = workbench(snapshotter);
    const lower = await bench.make("", (root) => {
      for (const name of ["gone", "dir", "dir/below", "kept"]) mkdirSync(join(root, name));
      writeFileSync(join(root, "dir/file"), "old");
      writeFileSync(join(root, "kept/mode"), "same");
    });
    const upper = await bench.make(lower.key, async (root) => {
      for (const name of ["gone", "dir"]) spawnSync("rm", ["-r", join(root, name)]);
      mkdirSync(join(root, "dir"));
      writeFileSync(join(root, "dir/new"), "new");
      chmodSync(join(root, "kept/mode"), 0o600);
      const server = createServer().listen(join(root, "kept/socket"));
      await new Promise((resolve) => server.once("listening", resolve));
      symlinkSync("kept", join(root, "link"));
      spawnSync("mv", [join(root, "kept/socket"), join(root, "socket")]);
      await new Promise((resolve) => server.close(resolve));
    });
    t.same(list((await bench.diff(upper, lower)).bytes), [
      "dir/",
      "dir/.wh.below",
      "dir/.wh.file",
      "dir/new",
      ".wh.gone",
      "kept/",
      "kept/mode",
      "link",
    ]);
  });
}

test("a layer is uncompressed, gzip or zstd, and has the digest of its content", async (t) => {
  await using bench = workbench("overlayfs");
  const upper = await bench.make("", (root) => writeFileSync(join(root, "big"), Buffer.alloc(5_000_000, "text ")));
  const layer = await bench.diff(upper, undefined);
  t.equal(layer.diffId, digestOf(layer.bytes));
  for (const [suffix, open] of [
    ["gzip", gunzipSync],
    ["zstd", zstdDecompressSync],
  ] as const) {
    const packed = await bench.diff(upper, undefined, `${plain}+${suffix}`);
    t.ok(packed.bytes.length < 100_000);
    t.equal(packed.diffId, layer.diffId);
    t.ok(open(packed.bytes).equals(layer.bytes));
    const info = bench.stores.content.info(namespace, packed.descriptor.digest);
    t.equal(info.labels["containerd.io/uncompressed"], layer.diffId);
  }
  await t.rejects(bench.diff(upper, undefined, "text/plain"), { message: /cannot be written as text\/plain/ });
});

test("GNU tar unpacks a layer to the same files", async (t) => {
  await using bench = workbench("overlayfs");
  const upper = await bench.make("", (root) => grow(root, randomFrom(99), 40));
  const { bytes } = await bench.diff(upper, undefined);
  const target = join(bench.directory, "by-tar");
  mkdirSync(target);
  const flags = ["-x", "-p", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", target];
  const { status, stderr } = spawnSync("tar", flags, { input: bytes });
  t.equal(status, 0, stderr.toString());
  t.strictSame(describe(target), await bench.describe(upper));
});

test("files that end while they are written leave a whole layer", async (t) => {
  await using bench = workbench("overlayfs");
  const row = await bench.prepare("");
  const { directory } = bench.stores.snapshots.layerTarget(row);
  writeFileSync(join(directory, "a"), Buffer.alloc(3 << 20, 1));
  writeFileSync(join(directory, "b"), Buffer.alloc(3 << 20, 2));
  const { changesBetween } = await import("../src/diff/changes.ts");
  const { MergedView } = await import("../src/diff/merged-view.ts");
  const { writeLayer } = await import("../src/diff/write-layer.ts");
  const view = new MergedView(native, true);
  const top = view.root([directory]);
  if (!top) throw new Error("no root");
  const { changes, links } = await changesBetween(view, undefined, top);
  const pieces: Buffer[] = [];
  for await (const piece of writeLayer(native, changes, links)) {
    pieces.push(Buffer.from(piece));
    writeFileSync(join(directory, "a"), "");
    spawnSync("rm", ["-f", join(directory, "b")]);
  }
  const applied = await bench.apply("", Buffer.concat(pieces));
  const files = bench.stores.snapshots.directory(applied.id);
  t.same(readdirSync(files), ["a"]);
  t.equal(readFileSync(join(files, "a")).length, 3 << 20);
});

test("layers of umoci are unpacked to the same files as by umoci", async (t) => {
  await using bench = workbench("overlayfs");
  const layout = join(bench.directory, "layout");
  const umoci = (...args: string[]) => execFileSync("umoci", args, { stdio: "pipe" });
  umoci("init", "--layout", layout);
  umoci("new", "--image", `${layout}:0`);
  for (const [at, work] of [grow, change].entries()) {
    const bundle = join(bench.directory, `bundle${at}`);
    umoci("unpack", "--image", `${layout}:${at}`, bundle);
    work(join(bundle, "rootfs"), randomFrom(40 + at), 30);
    umoci("repack", "--image", `${layout}:${at + 1}`, bundle);
  }
  const whole = join(bench.directory, "whole");
  umoci("unpack", "--image", `${layout}:2`, whole);
  const blob = (digest: string) => readFileSync(join(layout, "blobs/sha256", digest.slice(7)));
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const { digest } = index.manifests.find(
    ({ annotations }: { annotations: Record<string, string> }) =>
      annotations["org.opencontainers.image.ref.name"] === "2",
  );
  let top = "";
  for (const layer of JSON.parse(blob(digest).toString()).layers)
    top = (await bench.apply(top, blob(layer.digest))).key;
  const row = bench.stores.snapshots.get(namespace, top, "overlayfs");
  t.strictSame(await bench.describe(row), describe(join(whole, "rootfs")));
});
