import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { nativeSys, S_IFCHR, S_IFIFO } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { copyTree } from "@gantry/tree-copy/copy-tree";
import { test } from "tap";

const native = nativeSys();

/** Two empty directories, removed at the end. */
function directories() {
  const temp = tempDir("tree-copy");
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  mkdirSync(from);
  mkdirSync(to);
  return { from, to, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

test("names that are not UTF-8 are copied byte for byte, links' texts too", async (t) => {
  await using dirs = directories();
  const name = Buffer.from([0x66, 0xff, 0xfe]);
  const at = (directory: string, ...parts: Buffer[]) =>
    Buffer.concat([Buffer.from(directory), ...parts.flatMap((part) => [Buffer.from("/"), part])]);
  mkdirSync(at(dirs.from, name));
  writeFileSync(at(dirs.from, name, name), "content");
  symlinkSync(name, at(dirs.from, Buffer.from("link")));
  writeFileSync(join(dirs.from, "größe"), "utf-8");
  await copyTree(native, dirs.from, dirs.to);
  t.equal(readFileSync(at(dirs.to, name, name), "utf8"), "content");
  t.same(readlinkSync(at(dirs.to, Buffer.from("link")), "buffer"), name);
  t.equal(readFileSync(join(dirs.to, "größe"), "utf8"), "utf-8");
});

test("hard links stay links, also across directories, and of symbolic links and FIFOs", async (t) => {
  await using dirs = directories();
  mkdirSync(join(dirs.from, "sub"));
  writeFileSync(join(dirs.from, "a"), "once");
  symlinkSync("a", join(dirs.from, "s"));
  native.mknod(join(dirs.from, "p"), S_IFIFO | 0o600, 0, 0);
  for (const name of ["a", "s", "p"]) linkSync(join(dirs.from, name), join(dirs.from, "sub", name));
  await copyTree(native, dirs.from, dirs.to);
  for (const name of ["a", "s", "p"]) {
    t.equal(lstatSync(join(dirs.to, name)).ino, lstatSync(join(dirs.to, "sub", name)).ino, name);
    t.equal(lstatSync(join(dirs.to, name)).nlink, 2, name);
  }
});

test("owners, modes, attributes and times to the nanosecond, of every kind of file and of the directory itself", async (t) => {
  await using dirs = directories();
  mkdirSync(join(dirs.from, "dir"));
  writeFileSync(join(dirs.from, "file"), "x");
  symlinkSync("nowhere", join(dirs.from, "link"));
  native.mknod(join(dirs.from, "fifo"), S_IFIFO | 0o600, 0, 0);
  native.mknod(join(dirs.from, "null"), S_IFCHR | 0o600, 1, 3);
  native.mknod(join(dirs.from, "socket"), constants.S_IFSOCK | 0o600, 0, 0);
  writeFileSync(join(dirs.from, "dir", "inner"), "y");
  const names = ["dir/inner", "dir", "file", "link", "fifo", "null", "socket", "."];
  for (const [index, name] of names.entries()) {
    const path = join(dirs.from, name);
    lchownSync(path, 1000 + index, 2000 + index);
    if (name !== "link") chmodSync(path, name === "file" ? 0o6755 : 0o710 + index);
    native.setxattr(path, "trusted.kept", Buffer.from(name), 0, false);
    native.setxattr(path, "trusted.overlay.origin", Buffer.from("no"), 0, false);
  }
  for (const [index, name] of names.entries()) {
    native.utimens(join(dirs.from, name), 1_000_000_001n + BigInt(index), -5n + BigInt(index), false);
  }
  const before = names.map((name) => lstatSync(join(dirs.from, name), { bigint: true }));
  await copyTree(native, dirs.from, dirs.to);
  for (const [index, name] of names.entries()) {
    const path = join(dirs.to, name);
    const { mode, uid, gid, rdev, mtimeNs, atimeNs } = before[index] as (typeof before)[number];
    const copy = lstatSync(path, { bigint: true });
    const found = { mode: copy.mode, uid: copy.uid, gid: copy.gid, rdev: copy.rdev, mtime: copy.mtimeNs };
    t.same(found, { mode, uid, gid, rdev, mtime: mtimeNs }, name);
    if (name !== "." && name !== "dir") t.equal(copy.atimeNs, atimeNs, `${name}: last access`);
    t.equal(native.getxattr(path, "trusted.kept", false)?.toString(), name);
    t.equal(native.getxattr(path, "trusted.overlay.origin", false), null);
  }
});

test("holes stay holes, and large files are whole", async (t) => {
  await using dirs = directories();
  const fd = openSync(join(dirs.from, "sparse"), "w");
  writeSync(fd, Buffer.alloc(65536, "a"), 0, 65536, 32 << 20);
  closeSync(fd);
  const large = Buffer.alloc((3 << 20) + 17, "large");
  writeFileSync(join(dirs.from, "large"), large);
  await copyTree(native, dirs.from, dirs.to);
  const sparse = statSync(join(dirs.to, "sparse"));
  t.equal(sparse.size, (32 << 20) + 65536);
  t.ok(sparse.blocks * 512 < 1 << 20, `${sparse.blocks} blocks`);
  t.ok(readFileSync(join(dirs.to, "sparse")).equals(readFileSync(join(dirs.from, "sparse"))));
  t.ok(readFileSync(join(dirs.to, "large")).equals(large));
});

test("an abort ends the copy with the signal's reason", async (t) => {
  await using dirs = directories();
  for (let index = 0; index < 200; index++) writeFileSync(join(dirs.from, `file${index}`), "");
  const controller = new AbortController();
  const copy = copyTree(native, dirs.from, dirs.to, { signal: controller.signal });
  controller.abort(new Error("no longer wanted"));
  await t.rejects(copy, { message: "no longer wanted" });
  t.ok(readdirSync(dirs.to).length < 200);
});

test("a failure names the path and has the system's code", async (t) => {
  await using dirs = directories();
  writeFileSync(join(dirs.from, "taken"), "new");
  writeFileSync(join(dirs.to, "taken"), "old");
  await t.rejects(copyTree(native, dirs.from, dirs.to), { code: "EEXIST", message: /taken/ });
  t.equal(readFileSync(join(dirs.to, "taken"), "utf8"), "old");
  t.notOk(existsSync(join(dirs.to, "other")));
});
