import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import {
  isSystemError,
  MNT_DETACH,
  MS_NODEV,
  MS_NOSUID,
  MS_RDONLY,
  mountFilesystem,
  mountOverlay,
  parseMountinfo,
} from "../src/index.ts";
import { native, privateMounts, type Teardown, temporaryDirectory, thrownBy } from "./support.ts";

privateMounts();

/** Layers on a tmpfs, since an upper directory cannot lie on another overlay. */
function layers(t: Teardown, ...names: string[]): string {
  const root = temporaryDirectory(t);
  mountFilesystem({ type: "tmpfs", target: root });
  t.teardown(() => native.umount(root, MNT_DETACH));
  for (const name of [...names, "upper", "work", "merged"]) {
    mkdirSync(join(root, name), { recursive: true });
    if (names.includes(name)) writeFileSync(join(root, name, name.slice(-8).replaceAll("/", "")), name);
  }
  return root;
}

function mountAt(path: string) {
  return parseMountinfo(readFileSync("/proc/thread-self/mountinfo", "utf8")).findLast(
    (mount) => mount.mountPoint === path,
  );
}

test("a tmpfs has the flags and options asked for", async (t) => {
  const target = temporaryDirectory(t);
  const flags = MS_NOSUID | MS_NODEV;
  mountFilesystem({ type: "tmpfs", source: "scratch", target, flags, options: { size: "1m", mode: "0711" } });
  t.teardown(() => native.umount(target, MNT_DETACH));
  const mount = mountAt(target);
  t.match(mount, { type: "tmpfs", source: "scratch", root: "/" });
  t.match(mount?.options.join(), /^rw,nosuid,nodev/);
  t.match(mount?.superOptions.join(), /size=1024k,mode=711/);
});

test("a refused option is reported with the kernel's message", async (t) => {
  const target = temporaryDirectory(t);
  const error = thrownBy(() => mountFilesystem({ type: "tmpfs", target, options: { nonsense: "1" } }));
  t.match(error, { code: "EINVAL", syscall: "fsconfig", path: "nonsense=1" });
  t.match(error?.message, /Unknown parameter 'nonsense'/);
  t.match(
    thrownBy(() => mountFilesystem({ type: "nofs", target })),
    { code: "ENODEV", path: "nofs" },
  );
});

test("an overlay shows its layers, the first on top, and writes to the upper directory", async (t) => {
  // Characters that mount(2)'s options need escaped.
  const root = layers(t, "a:one", "b,two", "c\\three");
  const lower = ["a:one", "b,two", "c\\three"].map((name) => join(root, name));
  writeFileSync(join(root, "a:one/same"), "top");
  writeFileSync(join(root, "c\\three/same"), "bottom");
  const target = join(root, "merged");
  mountOverlay({ lower, upper: join(root, "upper"), work: join(root, "work"), target, options: { index: "off" } });
  t.same(readdirSync(target).sort(), ["a:one", "b,two", "c\\three", "same"]);
  t.equal(readFileSync(join(target, "same"), "utf8"), "top");
  writeFileSync(join(target, "new"), "");
  t.ok(existsSync(join(root, "upper/new")));
});

test("a hundred layers, more than one page of options, are mounted", async (t) => {
  const names = Array.from({ length: 100 }, (_, i) => `layer-with-a-long-name-so-that-a-page-is-too-small-${i}`);
  const root = layers(t, ...names);
  const target = join(root, "merged");
  mountOverlay({ lower: names.map((name) => join(root, name)), target, flags: MS_RDONLY });
  t.equal(readdirSync(target).length, new Set(names.map((name) => name.slice(-8))).size);
  t.ok(
    isSystemError(
      thrownBy(() => writeFileSync(join(target, "x"), "")),
      "EROFS",
    ),
  );
});

test("paths longer than fsconfig takes go by mount(2); more than a page of them is refused", async (t) => {
  const long = join("d:d,d\\\\".repeat(25), "e".repeat(150));
  const root = layers(t, long, "plain");
  const target = join(root, "merged");
  mountOverlay({ lower: [join(root, long), join(root, "plain")], target });
  t.equal(mountAt(target)?.type, "overlay");
  const many = new Array<string>(20).fill(join(root, long));
  t.match(
    thrownBy(() => mountOverlay({ lower: many, target })),
    { code: "E2BIG", message: /room for 4095/ },
  );
});

test("mount failures name the target", async (t) => {
  const target = join(temporaryDirectory(t), "none");
  const error = thrownBy(() => native.mount("none", target, "tmpfs", 0, null));
  t.equal(error?.message, `mount ${target}: ENOENT: no such file or directory`);
  t.match(
    thrownBy(() => native.umount(target, 0)),
    { code: "ENOENT", syscall: "umount", path: target },
  );
});

test("mountinfo: escapes, propagation, options", async (t) => {
  const [root, odd] = parseMountinfo(
    [
      "24 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro",
      "99 24 0:45 /sub\\134dir /mnt/with\\040blank\\011tab rw - fuse.some\\043fs my\\040source rw",
      "",
    ].join("\n"),
  );
  t.match(root, { id: 24, parentId: 1, major: 8, minor: 1, propagation: ["shared:1", "master:2"], type: "ext4" });
  t.match(root?.superOptions, ["rw", "errors=remount-ro"]);
  t.match(odd, { root: "/sub\\dir", mountPoint: "/mnt/with blank\ttab", propagation: [], source: "my source" });
});
