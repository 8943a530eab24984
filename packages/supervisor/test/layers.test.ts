import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { MNT_DETACH, nativeSys } from "@gantry/native-sys";
import { digestOf } from "@gantry/oci-spec";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { type AppliedLayer, applyLayer } from "../src/layers/apply-layer.ts";
import { applyLayerInProcess } from "../src/layers/layer-process.ts";
import { directory, type Entry, file, link, symlink, tarOf } from "./support/tar.ts";

/** Layers unpacked one on the other, in a directory with a neighbour that nothing may touch. */
function workbench() {
  const temp = tempDir("layers");
  const outside = join(temp.path, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "untouched");
  const layers: string[] = [];
  let tries = 0;
  return {
    outside,
    async apply(...entries: Entry[]): Promise<{ path: string; applied: AppliedLayer }> {
      return await this.applyBytes(await tarOf(...entries));
    },
    async applyBytes(bytes: Uint8Array): Promise<{ path: string; applied: AppliedLayer }> {
      const path = join(temp.path, `layer${tries++}`);
      mkdirSync(path);
      const lowers = [...layers].reverse();
      const applied = await applyLayer(nativeSys(), pieces(bytes), { directory: path, lowers, whiteouts: "overlay" });
      layers.push(path);
      return { path, applied };
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

/** Bytes in pieces whose ends fall anywhere. */
async function* pieces(bytes: Uint8Array, size = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const xattr = (path: string, name: string) => nativeSys().getxattr(path, name, false)?.toString();

test("an entry keeps its owner, mode, times, attributes and kind", async (t) => {
  await using bench = workbench();
  const { path, applied } = await bench.apply(
    { ...directory("d", 0o1777), mtime: new Date(5000) },
    file("d/f", "content", {
      mode: 0o4755,
      uid: 12,
      gid: 34,
      mtime: new Date(1000),
      pax: { mtime: "1600000000.123456789" },
    }),
    file("d/attributes", "", {
      pax: { "SCHILY.xattr.user.colour": "blue", "SCHILY.xattr.trusted.overlay.opaque": "y" },
    }),
    { ...symlink("d/s", "/etc/passwd"), uid: 7 },
    link("hard", "d/f"),
    { name: "fifo", type: "fifo", mode: 0o600 },
    { name: "null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
  );
  const stats = statSync(join(path, "d/f"), { bigint: true });
  t.equal(stats.mode & 0o7777n, 0o4755n);
  t.same([stats.uid, stats.gid], [12n, 34n]);
  t.equal(stats.mtimeNs, 1_600_000_000_123_456_789n);
  t.equal(statSync(join(path, "d")).mode & 0o7777, 0o1777);
  t.equal(statSync(join(path, "d")).mtimeMs, 5000, "a directory's time is set after its entries were made");
  t.equal(xattr(join(path, "d/attributes"), "user.colour"), "blue");
  t.equal(xattr(join(path, "d/attributes"), "trusted.overlay.opaque"), undefined, "overlayfs' own are not taken");
  t.equal(readlinkSync(join(path, "d/s")), "/etc/passwd");
  t.equal(lstatSync(join(path, "d/s")).uid, 7);
  t.equal(lstatSync(join(path, "hard")).ino, lstatSync(join(path, "d/f")).ino);
  t.ok(lstatSync(join(path, "fifo")).isFIFO());
  t.equal(lstatSync(join(path, "null")).rdev, 0x103);
  t.equal(applied.inodes, 6);
});

test("gzip, zstd and plain layers have the same diff id; a damaged one is refused", async (t) => {
  await using bench = workbench();
  const plain = await tarOf(file("a", "x".repeat(5000)));
  for (const bytes of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
    const { path, applied } = await bench.applyBytes(bytes);
    t.equal(applied.diffId, digestOf(plain));
    t.equal(readFileSync(join(path, "a"), "utf8").length, 5000);
  }
  const damaged = gzipSync(plain);
  damaged.fill(0xff, 20, 40);
  await t.rejects(bench.applyBytes(damaged), { message: /damaged gzip data/ });
  await t.rejects(bench.applyBytes(gzipSync(plain).subarray(0, 50)), { message: /damaged gzip data/ });
  await t.rejects(bench.applyBytes(plain.subarray(0, 1024)), { message: /unexpected end of the tar archive/ });
  await t.rejects(bench.applyBytes(Buffer.alloc(2048, "no tar")), { message: /not a tar archive/ });
});

test("nothing escapes the layer's root", async (t) => {
  await using bench = workbench();
  const up = "../outside/secret";
  await t.rejects(bench.apply(file(up, "gone")), { message: /"\.\.\/outside\/secret" points outside the root/ });
  await t.rejects(bench.apply(file("a/../../outside/secret", "gone")), { message: /points outside the root/ });
  await t.rejects(bench.apply(link("x", up)), { message: /points outside the root/ });
  await t.rejects(bench.apply(file("../outside/.wh.secret", "")), { message: /points outside the root/ });
  await t.rejects(bench.apply(file(".wh...", "")), { message: /whiteout of nothing/ });

  const absolute = await bench.apply(file("/etc/x", "inside"));
  t.equal(readFileSync(join(absolute.path, "etc/x"), "utf8"), "inside");

  const { path } = await bench.apply(
    symlink("evil", bench.outside),
    file("evil/secret", "gone"),
    symlink("up", "../../../../../.."),
    file(`up${bench.outside}/secret`, "gone"),
    file(`up${bench.outside}/.wh.secret`, ""),
    link("stolen", "evil/secret"),
    symlink("self", "/proc/self/root"),
    file(`self${bench.outside}/secret`, "gone"),
  );
  t.equal(readFileSync(join(bench.outside, "secret"), "utf8"), "untouched");
  t.strictSame(readdirSync(bench.outside), ["secret"]);
  t.equal(readFileSync(join(path, bench.outside, "secret"), "utf8"), "gone", "links are followed within the root");
  t.equal(readFileSync(join(path, "stolen"), "utf8"), "gone");
  await t.rejects(bench.apply(symlink("l1", "l2"), symlink("l2", "l1"), file("l1/x")), { message: /ELOOP|too many/ });
});

test("a later entry takes the place of an earlier one", async (t) => {
  await using bench = workbench();
  const { path } = await bench.apply(
    symlink("a", bench.outside),
    directory("a"),
    file("a/secret", "mine"),
    directory("b"),
    file("b/in"),
    file("b", "file now"),
    file("c", "old", { mode: 0o600 }),
    symlink("c", "a"),
  );
  t.ok(lstatSync(join(path, "a")).isDirectory());
  t.equal(readFileSync(join(bench.outside, "secret"), "utf8"), "untouched");
  t.equal(readFileSync(join(path, "b"), "utf8"), "file now");
  t.equal(readlinkSync(join(path, "c")), "a");
});

test("whiteouts hide entries of the layers below, and none of their own layer", async (t) => {
  await using bench = workbench();
  await bench.apply(directory("d"), file("d/old"), file("gone"), directory("mixed"), file("mixed/below"));
  const { path } = await bench.apply(
    file(".wh.gone", ""),
    file("d/.wh..wh..opq", ""),
    file("d/new"),
    directory("mixed"),
    file("mixed/own"),
    file(".wh.mixed", ""),
    file(".wh..wh.plnk", ""),
  );
  const gone = lstatSync(join(path, "gone"));
  t.ok(gone.isCharacterDevice() && gone.rdev === 0);
  t.equal(xattr(join(path, "d"), "trusted.overlay.opaque"), "y");
  t.ok(existsSync(join(path, "d/new")));
  t.equal(xattr(join(path, "mixed"), "trusted.overlay.opaque"), "y");
  t.ok(existsSync(join(path, "mixed/own")));
  t.notOk(existsSync(join(path, ".wh..wh.plnk")));
});

test("directories and links that only the layers below have are taken over", async (t) => {
  await using bench = workbench();
  await bench.apply(
    { ...directory("tmp", 0o1777), uid: 5 },
    directory("usr/lib"),
    symlink("lib", "usr/lib"),
    file("big", "shared"),
  );
  const { path } = await bench.apply(file("tmp/x"), file("lib/y"), link("alias", "big"));
  t.equal(statSync(join(path, "tmp")).mode & 0o7777, 0o1777);
  t.equal(statSync(join(path, "tmp")).uid, 5);
  t.equal(readFileSync(join(path, "usr/lib/y"), "utf8"), "lib/y", "below, lib is a link to usr/lib");
  t.notOk(existsSync(join(path, "lib")));
  t.equal(readFileSync(join(path, "alias"), "utf8"), "shared");
  await t.rejects(bench.apply(link("alias", "nowhere")), { message: /target "nowhere" is not in the image/ });
});

test("long names are read in the formats of GNU and pax", async (t) => {
  await using bench = workbench();
  const long = `${"n".repeat(90)}/${"m".repeat(200)}`;
  const { path } = await bench.apply(file(long, "deep"), symlink("s", "t".repeat(150)));
  t.equal(readFileSync(join(path, long), "utf8"), "deep");
  t.equal(readlinkSync(join(path, "s")).length, 150);
});

test("names need not be UTF-8", async (t) => {
  await using bench = workbench();
  const bytes = await tarOf(file("na?me", "odd"), symlink("link", "na?me"));
  // The checksum counts the byte that takes the place of "?" in name and target.
  for (const [at, sum] of [
    [0, 148],
    [1024, 1172],
  ] as const) {
    const place = bytes.indexOf("?", at);
    bytes[place] = 0xff;
    const old = Number.parseInt(bytes.toString("latin1", sum, sum + 6), 8);
    bytes.write((old + 0xff - 0x3f).toString(8).padStart(6, "0"), sum, "latin1");
  }
  const { path } = await bench.applyBytes(bytes);
  const name = Buffer.from("na\xffme", "latin1");
  t.ok(readdirSync(path, "buffer").some((found) => found.equals(name)));
  t.same(readlinkSync(join(path, "link"), "buffer"), name);
});

test("where the layers below are in the same directory, whiteouts remove", async (t) => {
  await using temp = tempDir("layers");
  const apply = async (...entries: Entry[]) => {
    const target = { directory: temp.path, lowers: [], whiteouts: "remove" } as const;
    await applyLayer(nativeSys(), pieces(await tarOf(...entries)), target);
  };
  await apply(directory("d"), file("d/old"), directory("d/sub"), file("d/sub/x"), file("gone"), file("both", "old"));
  await apply(
    file("d/new"),
    directory("d/sub"),
    file("d/.wh..wh..opq", ""),
    file(".wh.gone", ""),
    file("both", "new"),
    file(".wh.both", ""),
    file("nowhere/.wh.x", ""),
  );
  t.same(readdirSync(join(temp.path, "d")).sort(), ["new", "sub"]);
  t.same(readdirSync(join(temp.path, "d/sub")), []);
  t.same(readdirSync(temp.path).sort(), ["both", "d", "nowhere"], "the directory of a whiteout is made");
  t.equal(readFileSync(join(temp.path, "both"), "utf8"), "new");
});

test("a decompression bomb is refused before the disk is full", async (t) => {
  await using temp = tempDir("layers");
  const disk = join(temp.path, "disk");
  mkdirSync(disk);
  nativeSys().mount("tmpfs", disk, "tmpfs", 0, "size=200m");
  try {
    const bomb = gzipSync(await tarOf(...Array.from({ length: 20 }, (_, at) => file(`f${at}`, "\0".repeat(15 << 20)))));
    t.ok(bomb.length < 1 << 20);
    const target = { directory: disk, lowers: [], whiteouts: "overlay" } as const;
    await t.rejects(applyLayer(nativeSys(), pieces(bomb, 9999), target), {
      code: "ResourceExhausted",
      message: /no space left to unpack/,
    });
    const { bavail, bsize } = statfsSync(disk);
    t.ok(bavail * bsize > 0, "others can still write");
  } finally {
    nativeSys().umount(disk, MNT_DETACH);
  }
});

test("files that are their maker's from the start have their own group and mode in any directory", async (t) => {
  await using temp = tempDir("layers");
  const self = { program: process.execPath, args: [join(import.meta.dirname, "../src/main.ts")] };
  const layer = await tarOf(
    file("plain", "1", { mode: 0o666 }),
    directory("shared", 0o2775, { gid: 50 }),
    file("shared/f", "2", { mode: 0o777 }),
    file("shared/set", "3", { mode: 0o4755 }),
  );
  await applyLayerInProcess(self, pieces(layer, 500), { directory: temp.path, lowers: [], whiteouts: "overlay" });
  const found = (name: string) => {
    const { mode, uid, gid } = statSync(join(temp.path, name));
    return [mode & 0o7777, uid, gid];
  };
  t.same(["plain", "shared", "shared/f", "shared/set"].map(found), [
    [0o666, 0, 0],
    [0o2775, 0, 50],
    [0o777, 0, 0],
    [0o4755, 0, 0],
  ]);
});

test("a separate process unpacks like this one, and reports the same errors", async (t) => {
  await using temp = tempDir("layers");
  const main = join(import.meta.dirname, "../src/main.ts");
  const self = { program: process.execPath, args: [main] };
  const target = { directory: temp.path, lowers: [], whiteouts: "overlay" } as const;
  const plain = await tarOf(directory("d", 0o1777), file("d/f", "x".repeat(3_000_000), { uid: 7 }));
  const applied = await applyLayerInProcess(self, pieces(gzipSync(plain), 50_000), target);
  t.equal(applied.diffId, digestOf(plain));
  t.equal(statSync(join(temp.path, "d/f")).uid, 7);
  const hostile = await tarOf(file("../outside", "gone"), file("large", "x".repeat(5_000_000)));
  await t.rejects(applyLayerInProcess(self, pieces(hostile, 100_000), target), { message: /points outside the root/ });
  const cut = async function* () {
    yield plain.subarray(0, 1_000_000);
    throw new Error("the connection broke");
  };
  await t.rejects(applyLayerInProcess(self, cut(), target), { message: "the connection broke" });
  const missing = { ...target, directory: join(temp.path, "nowhere") };
  await t.rejects(applyLayerInProcess(self, pieces(plain, 50_000), missing), { code: "ENOENT", syscall: "openat2" });
});
