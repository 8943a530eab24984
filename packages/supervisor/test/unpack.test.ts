import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { nativeSys } from "@gantry/native-sys";
import { distBin, run, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { loadImages } from "../src/images/archive/load.ts";
import { createBundle } from "../src/images/unpack/bundle.ts";
import { unpackImage } from "../src/images/unpack/rootfs.ts";
import { diskUsage } from "../src/snapshots/usage.ts";
import { imageParts } from "./support/images.ts";
import { makeLayout } from "./support/layout.ts";
import { directory, file, link, symlink, tarOf } from "./support/tar.ts";
import { describe } from "./support/trees.ts";

const namespace = "test";
const native = nativeSys();
const mtime = new Date(1_600_000_000_000);

/** Two layers: the second removes, replaces and hides entries of the first one. */
async function layers(): Promise<Buffer[]> {
  const busybox = readFileSync("/bin/busybox");
  const attribute = { "SCHILY.xattr.user.note": "kept" };
  const lower = await tarOf(
    directory("bin"),
    file("bin/busybox", "", { content: busybox, mode: 0o755 }),
    symlink("bin/sh", "busybox"),
    link("bin/ls", "bin/busybox"),
    directory("etc"),
    file("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n"),
    file("etc/group", "root:x:0:\napp:x:1001:\nextra:x:1002:app\n"),
    file("etc/gone"),
    directory("old"),
    file("old/hidden"),
    { ...directory("data"), uid: 1000, gid: 1001 },
    file("data/seed", "seed", { mode: 0o4750, uid: 1000, gid: 1001, mtime, pax: attribute }),
    { name: "null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
    { name: "pipe", type: "fifo", mode: 0o600 },
    directory("proc"),
    directory("dev"),
    directory("sys"),
  );
  const upper = await tarOf(
    directory("etc"),
    file("etc/.wh.gone", ""),
    directory("old"),
    file("old/.wh..wh..opq", ""),
    file("old/new"),
    symlink("away", "/etc"),
  );
  return [lower, gzipSync(upper)];
}

const config = {
  Entrypoint: ["/bin/sh", "-c"],
  Cmd: ["id -u; id -G; pwd; echo $WORD; cat seed; echo more > seed; ls /old"],
  Env: ["WORD=said", "PATH=/bin"],
  User: "app",
  WorkingDir: "/data",
  Labels: { "org.opencontainers.image.author": "label", tier: "web" },
  ExposedPorts: { "80/tcp": {}, "53/udp": {} },
  Volumes: { "/data": {} },
  StopSignal: "SIGINT",
};

async function withImage() {
  const parts = imageParts();
  const layout = join(parts.directory, "layout");
  makeLayout(layout, { layers: await layers(), config, author: "me" });
  const request = { namespace, directory: layout, defaultName: "app", unpack: false };
  const [image] = await loadImages({ native, ...parts }, request, none());
  return { parts, name: image?.name ?? "" };
}

async function* none(): AsyncGenerator<Uint8Array> {}

test("an image is unpacked to a plain root file system", async (t) => {
  const { parts, name } = await withImage();
  await using _ = parts;
  const target = join(parts.directory, "rootfs");
  await unpackImage({ native, ...parts }, { namespace, name, directory: target });
  t.strictSame(readdirSync(target).sort(), ["away", "bin", "data", "dev", "etc", "null", "old", "pipe", "proc", "sys"]);
  t.strictSame(readdirSync(join(target, "etc")).sort(), ["group", "passwd"], "what the upper layer removed");
  t.strictSame(readdirSync(join(target, "old")), ["new"], "what it hid");
  const seed = statSync(join(target, "data/seed"));
  t.match(seed, { uid: 1000, gid: 1001, mode: 0o104750, mtimeMs: mtime.getTime() });
  t.equal(native.getxattr(join(target, "data/seed"), "user.note", false)?.toString(), "kept");
  t.equal(statSync(join(target, "bin/ls")).ino, statSync(join(target, "bin/busybox")).ino);
  t.ok(statSync(join(target, "null")).isCharacterDevice());
  t.ok(statSync(join(target, "pipe")).isFIFO());
  t.equal(parts.left().snapshots, 0, "the stores are as they were");
  const onto = { namespace, name, directory: target };
  await t.rejects(unpackImage({ native, ...parts }, onto), {
    code: "AlreadyExists",
    message: /is not empty/,
  });
  t.ok(existsSync(join(target, "bin/ls")), "what is there is left alone");
});

test("a failure leaves the directory as it was", async (t) => {
  const { parts, name } = await withImage();
  await using _ = parts;
  const [largest] = parts.stores.metadata.blobs.list(namespace).toSorted((a, b) => b.size - a.size);
  const blob = parts.stores.content.path(largest?.digest ?? "");
  const bytes = readFileSync(blob);
  bytes[bytes.length - 5000] = 1;
  writeFileSync(blob, bytes);
  const [absent, empty] = [join(parts.directory, "absent"), join(parts.directory, "empty")];
  mkdirSync(empty);
  for (const directory of [absent, empty]) {
    const request = { namespace, name, directory };
    await t.rejects(unpackImage({ native, ...parts }, request), { code: "InvalidArgument" });
    await t.rejects(createBundle({ native, ...parts }, request), { code: "InvalidArgument" });
  }
  const given = { namespace, name, directory: absent };
  const gone = { native, ...parts, signal: AbortSignal.abort(new Error("the client is gone")) };
  await t.rejects(unpackImage(gone, given), { message: /the client is gone/ });
  t.notOk(existsSync(absent));
  t.strictSame(readdirSync(empty), []);
  const nowhere = { namespace, name, directory: join(parts.directory, "no/where") };
  await t.rejects(unpackImage({ native, ...parts }, nowhere), { message: /does not exist/ });
});

/** A tree with names that are not UTF-8, hard links, and times with nanoseconds of files, links and directories. */
function makeByteNames(root: string): void {
  const at = (name: string) => Buffer.from(`${root}/${name}`, "latin1");
  for (const name of ["d", "d/dir\xff"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("d/file\xfe"), "content");
  writeFileSync(at("top\xfa"), "");
  linkSync(at("d/file\xfe"), at("d/dir\xff/link\xfd"));
  symlinkSync(Buffer.from("to\xfc", "latin1"), at("d/symlink\xfb"));
  for (const name of ["d/symlink\xfb", "d/file\xfe", "d/dir\xff", "d"]) {
    native.utimens(at(name), 1_600_000_000_123_456_789n, 1_500_000_000_987_654_321n, false);
  }
}

test("names that are not UTF-8, hard links and nanoseconds stay, and a failure leaves none of them", async (t) => {
  await using parts = imageParts();
  const [source, target, bundle] = ["source", "target", "bundle"].map((name) => join(parts.directory, name)) as [
    string,
    string,
    string,
  ];
  makeByteNames(source);
  const layer = execFileSync("tar", ["-C", source, "--format=pax", "-c", "."]);
  const wrong = await tarOf(file("gone/../../outside"));
  for (const [name, layers] of Object.entries({ good: [layer], bad: [layer, wrong] })) {
    const layout = join(parts.directory, name);
    makeLayout(layout, { layers, config: { Volumes: { "/d": {} } } });
    const request = { namespace, directory: layout, defaultName: name, unpack: false };
    await loadImages({ native, ...parts }, request, none());
  }
  const request = (name: string, directory: string) => ({
    namespace,
    name: `docker.io/library/${name}:latest`,
    directory,
  });
  await t.rejects(unpackImage({ native, ...parts }, request("bad", target)), { message: /points outside the root/ });
  t.notOk(existsSync(target));

  await unpackImage({ native, ...parts }, request("good", target));
  t.strictSame(describe(`${target}/d`), describe(`${source}/d`));
  await createBundle({ native, ...parts }, request("good", bundle));
  t.strictSame(describe(`${bundle}/volumes/0`), describe(`${source}/d`), "in a volume too");

  const { chainId } = await parts.images.resolve(namespace, request("good", "").name, undefined);
  const snapshot = parts.stores.snapshots.get(namespace, chainId);
  t.equal((await diskUsage(parts.stores.snapshots.directory(snapshot.id))).inodes, 6);
  for (const name of ["bad", "good"]) parts.images.delete(namespace, request(name, "").name);
  t.notOk(existsSync(parts.stores.snapshots.directory(snapshot.id)));
  await parts.idle();
  t.strictSame(readdirSync(`${parts.root}/snapshots/.removing`), []);
});

test("a bundle runs at once, with runc and with ours", async (t) => {
  const { parts, name } = await withImage();
  await using _ = parts;
  for (const [at, runtime] of ["runc", join(distBin, "oci-runtime")].entries()) {
    const bundle = join(parts.directory, `bundle${at}`);
    await createBundle({ native, ...parts }, { namespace, name, directory: bundle });
    await using state = tempDir("rt");
    const args = ["--root", state.path, "run", "-b", bundle, `bundle-${process.pid}-${at}`];
    const result = await run(runtime, args);
    t.equal(result.stdout, "1000\n1001 1002\n/data\nsaid\nseednew\n", `${runtime}: ${result.stderr}`);
    t.equal(readFileSync(join(bundle, "rootfs/data/seed"), "utf8"), "seed", "a volume's data is not the image's");
    t.equal(readFileSync(join(bundle, "volumes/0/seed"), "utf8"), "more\n");
    const { annotations } = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    t.match(annotations, {
      "org.opencontainers.image.os": "linux",
      "org.opencontainers.image.author": "label",
      "org.opencontainers.image.stopSignal": "SIGINT",
      "org.opencontainers.image.exposedPorts": "80/tcp,53/udp",
      tier: "web",
    });
  }
});
