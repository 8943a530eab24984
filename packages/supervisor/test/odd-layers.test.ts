import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { nativeSys } from "@gantry/native-sys";
import { digestOf } from "@gantry/oci-spec";
import { type TempDir, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { type AppliedLayer, applyLayer } from "../src/layers/apply-layer.ts";
import { type Entry, file, link, symlink, tarOf } from "./support/tar.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

let layers = 0;

async function apply(
  temp: TempDir,
  bytes: Uint8Array,
  { size = 999, lowers = [] }: { size?: number; lowers?: readonly string[] } = {},
): Promise<{ path: string; applied: AppliedLayer }> {
  const path = join(temp.path, `layer${layers++}`);
  mkdirSync(path);
  const target = { directory: path, lowers, whiteouts: "overlay" } as const;
  return { path, applied: await applyLayer(nativeSys(), pieces(bytes, size), target) };
}

/** A tar whose last entry's header has other bytes in some places. */
async function patched(entry: Entry, ...changes: readonly (readonly [at: number, bytes: Uint8Array | string])[]) {
  const bytes = await tarOf(entry);
  for (const [at, change] of changes) Buffer.from(change as string, "latin1").copy(bytes, at);
  bytes.fill(" ", 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}

/** Base-256 of GNU tar in a field of eight bytes. */
function base256(value: bigint): Buffer {
  const field = Buffer.alloc(8);
  field.writeBigInt64BE(value);
  field[0] = (field[0] as number) | 0x80;
  return field;
}

const sparseFormats: Readonly<Record<string, readonly string[]>> = {
  "the old GNU format": ["--format=gnu"],
  "pax 0.0": ["--format=posix", "--sparse-version=0.0"],
  "pax 0.1": ["--format=posix", "--sparse-version=0.1"],
  "pax 1.0": ["--format=posix", "--sparse-version=1.0"],
};

test("files with holes are read in each of GNU tar's formats, and the holes stay", async (t) => {
  await using temp = tempDir("sparse");
  const source = join(temp.path, "source");
  mkdirSync(source);
  const pieceBytes = 64 << 10;
  const make = (name: string, count: number, end: number) => {
    const fd = openSync(join(source, name), "w");
    for (let at = 0; at < count; at++) writeSync(fd, `piece ${at}`, 2 * at * pieceBytes);
    ftruncateSync(fd, end);
    closeSync(fd);
  };
  make("many", 60, 120 * pieceBytes);
  make("few", 2, 4 * pieceBytes + 7);
  make("empty", 0, 20 << 20);
  execFileSync("sh", ["-c", `echo dense > ${source}/dense`]);
  for (const [name, flags] of Object.entries(sparseFormats)) {
    const tar = execFileSync("tar", ["-C", source, "--sparse", ...flags, "-cf", "-", "."], { maxBuffer: 64 << 20 });
    const { path } = await apply(temp, tar, { size: 4321 });
    for (const made of ["many", "few", "empty", "dense"]) {
      const hash = (root: string) =>
        createHash("sha256")
          .update(readFileSync(join(root, made)))
          .digest("hex");
      t.equal(hash(path), hash(source), `${name}: ${made}`);
    }
    t.ok(lstatSync(join(path, "empty")).blocks <= 8, `${name}: a hole takes no space`);
  }
});

test("a map of holes that lies is refused", async (t) => {
  await using temp = tempDir("sparse");
  const map = (ranges: string, size: number, content: string): Entry => ({
    ...file("holes", content),
    pax: { "GNU.sparse.map": ranges, "GNU.sparse.size": String(size), "GNU.sparse.name": "named" },
  });
  const good = await apply(temp, await tarOf(map("2,3,9,1", 20, "abcd")));
  t.equal(readFileSync(join(good.path, "named"), "latin1"), "\0\0abc\0\0\0\0d".padEnd(20, "\0"));
  const lies: Record<string, Entry> = {
    overlapping: map("0,3,2,1", 20, "abcd"),
    "beyond the end": map("18,4", 20, "abcd"),
    "more than there is": map("0,10", 20, "abcd"),
    "less than there is": map("0,1", 20, "abcd"),
    odd: map("0,4,5", 20, "abcd"),
    negative: map("-4,4", 20, "abcd"),
    "no number": map("0x0,4", 20, "abcd"),
  };
  for (const [name, entry] of Object.entries(lies)) {
    await t.rejects(apply(temp, await tarOf(entry)), { message: /the map of its holes/ }, name);
  }
  const version1 = (content: string): Entry => ({
    ...file("holes", content),
    pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "20", "GNU.sparse.name": "n" },
  });
  for (const text of ["no number\n", "2\n0\n", "9999999999\n", "1\n0\n4\n"]) {
    await t.rejects(apply(temp, await tarOf(version1(text.padEnd(512, "\0")))), { message: /holes/ }, text);
  }
});

test("all members and frames are read, zeros after the last gzip member too, wherever the pieces end", async (t) => {
  await using temp = tempDir("compressed");
  const plain = await tarOf(file("a", "x".repeat(3000)), file("b", "y"));
  const [front, back] = [plain.subarray(0, 700), plain.subarray(700)];
  const skippable = Buffer.from("502a4d1804000000736b6970", "hex");
  const good: Record<string, Buffer> = {
    "gzip members": Buffer.concat([gzipSync(front), gzipSync(back)]),
    "an empty gzip member first": Buffer.concat([gzipSync(""), gzipSync(plain)]),
    "zeros after gzip": Buffer.concat([gzipSync(front), gzipSync(back), Buffer.alloc(1500)]),
    "zstd frames": Buffer.concat([zstdCompressSync(front), zstdCompressSync(back)]),
    "a skippable frame first": Buffer.concat([skippable, zstdCompressSync(plain)]),
    "one in the middle": Buffer.concat([zstdCompressSync(front), skippable, zstdCompressSync(back)]),
    "one last": Buffer.concat([zstdCompressSync(plain), skippable]),
  };
  const bad: Record<string, Buffer> = {
    "junk after gzip": Buffer.concat([gzipSync(plain), Buffer.from("junk")]),
    "junk after zeros": Buffer.concat([gzipSync(plain), Buffer.alloc(600), Buffer.from("junk")]),
    "junk after zstd": Buffer.concat([zstdCompressSync(plain), Buffer.from("some junk")]),
    "a member cut off": Buffer.concat([gzipSync(front), gzipSync(back).subarray(0, 30)]),
    "a frame cut off": Buffer.concat([zstdCompressSync(front), zstdCompressSync(back).subarray(0, 30)]),
  };
  for (const [name, bytes] of Object.entries(good)) {
    const ends = [1, gzipSync(front).length, 512, bytes.length];
    for (const size of ends) {
      const { path, applied } = await apply(temp, bytes, { size });
      t.equal(applied.diffId, digestOf(plain), `${name}, in pieces of ${size}`);
      t.strictSame(readdirSync(path), ["a", "b"]);
    }
  }
  for (const [name, bytes] of Object.entries(bad)) {
    for (const size of [1, gzipSync(plain).length, zstdCompressSync(plain).length, 512, bytes.length]) {
      await t.rejects(apply(temp, bytes, { size }), { message: /^damaged (gzip|zstd) data/ }, `${name}, ${size}`);
    }
  }
});

test("bzip2 and xz are read by the system's programs, damage is reported, and a failing source keeps its error", async (t) => {
  await using temp = tempDir("programs");
  const plain = await tarOf(file("a", "x".repeat(300_000)));
  for (const program of ["bzip2", "xz"]) {
    const packed = execFileSync(program, ["-c"], { input: plain });
    const bytes = Buffer.concat([packed, packed.subarray(0, 0)]);
    t.equal((await apply(temp, bytes)).applied.diffId, digestOf(plain), program);
    const damaged = Buffer.from(packed).fill(0xff, packed.length >> 1, (packed.length >> 1) + 20);
    await t.rejects(apply(temp, damaged), { message: new RegExp(`^damaged ${program} data`) });
    await t.rejects(apply(temp, packed.subarray(0, packed.length - 8)), { message: new RegExp(`^damaged ${program}`) });
    const path = join(temp.path, program);
    mkdirSync(path);
    const source = (async function* () {
      yield packed.subarray(0, 40);
      throw Object.assign(new Error("the download failed"), { code: "ECONNRESET" });
    })();
    const target = { directory: path, lowers: [], whiteouts: "overlay" } as const;
    await t.rejects(applyLayer(nativeSys(), source, target), { message: "the download failed" });
  }
  const before = process.env["PATH"];
  const evil = join(temp.path, "evil");
  mkdirSync(evil);
  execFileSync("sh", ["-c", `printf '#!/bin/sh\\ntouch ${evil}/ran\\n' > ${evil}/xz; chmod 755 ${evil}/xz`]);
  process.env["PATH"] = `${evil}:${before}`;
  try {
    await apply(temp, execFileSync("/usr/bin/xz", ["-c"], { input: plain }));
  } finally {
    process.env["PATH"] = before;
  }
  t.notOk(readdirSync(evil).includes("ran"), "a program of PATH is not run");
});

test("attributes that the kind of file refuses are left out with a note; wrong ones are refused", async (t) => {
  await using temp = tempDir("attributes");
  const pax = (name: string, value = "v") => ({ [`SCHILY.xattr.${name}`]: value });
  const { path, applied } = await apply(
    temp,
    await tarOf(
      { ...symlink("lnk", "a"), pax: pax("user.note") },
      { name: "pipe", type: "fifo", pax: pax("user.note") },
      file("odd", "x", { pax: pax("weird.note") }),
      file("a", "x", { pax: pax("user.kept") }),
      file("empty", "x", { pax: pax("user.empty", "") }),
    ),
  );
  t.match(applied.notes, [
    'layer entry "lnk": attribute user.note was left out: EPERM',
    'layer entry "pipe": attribute user.note was left out: EPERM',
    /^layer entry "odd": attribute weird\.note was left out: E(NOTSUP|OPNOTSUPP)$/,
  ]);
  t.equal(nativeSys().getxattr(join(path, "a"), "user.kept", false)?.toString(), "v");
  t.equal(nativeSys().getxattr(join(path, "empty"), "user.empty", false)?.toString(), "");
  await t.rejects(apply(temp, await tarOf(file("f", "x", { pax: pax("security.capability", "junk") }))), {
    message: /^layer entry "f": .*EINVAL/,
  });
});

test("times beyond 64-bit nanoseconds, with signs and fractions, are set as far as they can be", async (t) => {
  await using temp = tempDir("times");
  const cases: Record<string, bigint> = {
    "-1.5": -1_500_000_000n,
    "-0.000000001": -1n,
    "+5.25": 5_250_000_000n,
    "7.": 7_000_000_000n,
    "1.1234567899": 1_123_456_789n,
    "10413792000.5": 10_413_792_000_000_000_000n,
  };
  for (const [mtime, ns] of Object.entries(cases)) {
    const { path } = await apply(temp, await tarOf(file("f", "x", { pax: { mtime } })));
    t.equal(lstatSync(join(path, "f"), { bigint: true }).mtimeNs, ns, mtime);
  }
  const extreme = ["9223372036854775807", "-9223372036854775808.5", "99999999999.999"];
  for (const mtime of extreme) {
    const entry = { ...symlink("l", "f"), pax: { mtime } };
    const { path } = await apply(temp, await tarOf(file("f", "x", { pax: { mtime } }), entry));
    t.strictSame(readdirSync(path).sort(), ["f", "l"], mtime);
  }
  for (const mtime of ["1e5", "x", "1.5x", "--1"]) {
    await t.rejects(apply(temp, await tarOf(file("f", "x", { pax: { mtime } }))), { message: /is not a time/ });
  }
});

test("ids are read signed and unsigned; one that the kernel does not have is refused", async (t) => {
  await using temp = tempDir("ids");
  for (const [stored, id] of [
    [-2n, 4_294_967_294],
    [4_294_967_294n, 4_294_967_294],
    [3_000_000_000n, 3_000_000_000],
  ] as const) {
    const { path } = await apply(temp, await patched(file("f", "x"), [108, base256(stored)], [116, base256(stored)]));
    const { uid, gid } = lstatSync(join(path, "f"));
    t.strictSame([uid, gid], [id, id], String(stored));
  }
  const negative = await apply(temp, await tarOf(file("f", "x", { pax: { uid: "-2", gid: "7" } })));
  t.equal(lstatSync(join(negative.path, "f")).uid, 4_294_967_294);
  // 2^32 would become root's.
  await t.rejects(apply(temp, await patched(file("f", "x"), [108, base256(4_294_967_296n)])), {
    message: /not a user/,
  });
  await t.rejects(apply(temp, await tarOf(file("f", "x", { pax: { uid: "4294967296" } }))), { message: /not a user/ });
});

test("an empty pax value leaves the header's, and an ordinary file may end in a slash", async (t) => {
  await using temp = tempDir("odd");
  const pax = { path: "", linkpath: "", uid: "", gid: "", size: "", mtime: "" };
  const kept = await apply(temp, await tarOf(file("keep", "x", { uid: 7, gid: 8, mtime: new Date(5000), pax })));
  // The header itself, which has no name of the test's, is what the empty path leaves.
  const { uid, gid, size, mtimeMs } = lstatSync(join(kept.path, "PaxHeader"));
  t.strictSame([uid, gid, size, mtimeMs], [7, 8, 1, 5000]);
  const slash = await apply(temp, await patched(file("odd!", "content"), [3, "/"]));
  t.equal(readFileSync(join(slash.path, "odd"), "utf8"), "content");
  const old = await apply(temp, await patched(file("old!", ""), [3, "/"], [156, "\0"], [257, "\0\0\0\0\0\0\0\0"]));
  t.ok(lstatSync(join(old.path, "old")).isDirectory(), "the oldest format has no other directories");
});

test("a checksum may have been computed of signed bytes", async (t) => {
  await using temp = tempDir("signed");
  const bytes = await patched(file("caf?", "x"), [3, "\xe9"]);
  const sum = Number.parseInt(bytes.toString("latin1", 148, 154), 8) - 256;
  bytes.write(sum.toString(8).padStart(6, "0"), 148, "latin1");
  t.strictSame(readdirSync((await apply(temp, bytes)).path, "latin1"), ["caf\xe9"]);
});

test("a hard link reaches its target below through a link of the layers below", async (t) => {
  await using temp = tempDir("links");
  const usr = { name: "usr", type: "directory", mode: 0o755 } as const;
  const lower = await apply(temp, await tarOf(usr, file("usr/x", "lower"), symlink("lib", "/usr")));
  const { path } = await apply(temp, await tarOf(link("copy", "lib/x"), link("lib/y", "lib/x")), {
    lowers: [lower.path],
  });
  t.equal(readFileSync(join(path, "copy"), "utf8"), "lower");
  t.equal(lstatSync(join(path, "usr/y")).ino, lstatSync(join(path, "copy")).ino);
});
