import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import {
  AT_FDCWD,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  Fd,
  isSystemError,
  LOCK_EX,
  LOCK_NB,
  MFD_ALLOW_SEALING,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  S_IFCHR,
  SEEK_DATA,
  SEEK_HOLE,
  XATTR_CREATE,
} from "../src/index.ts";
import { native, temporaryDirectory, thrownBy } from "./support.ts";

test("openat2 keeps a path below its root, also through absolute links and dot-dot", async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/passwd"), "inside");
  symlinkSync("/etc/passwd", join(root, "absolute"));
  symlinkSync("../../../../etc/passwd", join(root, "climbing"));
  using directory = new Fd(native.openat2(AT_FDCWD, root, O_PATH | O_DIRECTORY, 0, 0));
  for (const path of ["absolute", "climbing", "../../etc/passwd"]) {
    using file = new Fd(native.openat2(directory.number, path, O_RDONLY, 0, RESOLVE_IN_ROOT));
    t.equal(readFileSync(file.number, "utf8"), "inside", path);
  }
  const refused = thrownBy(() => native.openat2(directory.number, "absolute", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
  t.match(refused, { code: "ELOOP", syscall: "openat2", path: "absolute" });
});

test("a descriptor closes once, and not at all when it was handed over", async (t) => {
  const fd = new Fd(openSync("/dev/null", "r"));
  const number = fd.number;
  fd.close();
  fd.close();
  t.throws(() => fd.number, /closed already/);
  t.ok(
    isSystemError(
      thrownBy(() => native.closeFd(number)),
      "EBADF",
    ),
  );
  let kept: number;
  {
    using other = new Fd(openSync("/dev/null", "r"));
    kept = other.release();
  }
  closeSync(kept);
});

test("times have nanoseconds, of a link itself too, and may lie before 1970", async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, "file");
  const link = join(directory, "link");
  writeFileSync(file, "");
  symlinkSync("file", link);
  native.utimens(file, 1_600_000_000_123_456_789n, 1_700_000_000_987_654_321n, true);
  native.utimens(link, -1n, 5n, false);
  // First the link: following it sets its access time.
  t.match(lstatSync(link, { bigint: true }), { atimeNs: -1n, mtimeNs: 5n });
  t.match(statSync(link, { bigint: true }), {
    atimeNs: 1_600_000_000_123_456_789n,
    mtimeNs: 1_700_000_000_987_654_321n,
  });
});

test("extended attributes: absent, empty, binary, listed, removed", async (t) => {
  const file = join(temporaryDirectory(t), "file");
  writeFileSync(file, "");
  const value = Buffer.from([0, 255, 10, 0]);
  t.equal(native.getxattr(file, "trusted.word", true), null);
  native.setxattr(file, "trusted.word", value, 0, true);
  native.setxattr(file, "trusted.empty", Buffer.alloc(0), 0, false);
  t.same(native.getxattr(file, "trusted.word", true), value);
  t.same(native.getxattr(file, "trusted.empty", false), Buffer.alloc(0));
  t.same(
    native
      .listxattr(file, true)
      .filter((name) => name.startsWith("trusted."))
      .sort(),
    ["trusted.empty", "trusted.word"],
  );
  const again = thrownBy(() => native.setxattr(file, "trusted.word", value, XATTR_CREATE, true));
  t.match(again, { code: "EEXIST", syscall: "setxattr", path: file });
  native.removexattr(file, "trusted.word", true);
  t.equal(native.getxattr(file, "trusted.word", true), null);
});

test("device files have their numbers", async (t) => {
  const path = join(temporaryDirectory(t), "null");
  native.mknod(path, S_IFCHR | 0o600, 1, 3);
  t.equal(statSync(path).rdev, statSync("/dev/null").rdev);
});

test("renames exchange two names, and refuse to replace", async (t) => {
  const directory = temporaryDirectory(t);
  const [a, b] = [join(directory, "a"), join(directory, "b")];
  writeFileSync(a, "a");
  writeFileSync(b, "b");
  native.renameat2(a, b, RENAME_EXCHANGE);
  t.equal(readFileSync(a, "utf8"), "b");
  t.ok(
    isSystemError(
      thrownBy(() => native.renameat2(a, b, RENAME_NOREPLACE)),
      "EEXIST",
    ),
  );
});

test("a lock that another holds is reported as false", async (t) => {
  const path = join(temporaryDirectory(t), "lock");
  using first = new Fd(openSync(path, "w"));
  using second = new Fd(openSync(path, "r"));
  t.equal(native.flock(first.number, LOCK_EX | LOCK_NB), true);
  t.equal(native.flock(second.number, LOCK_EX | LOCK_NB), false);
});

test("a sealed memfd cannot be changed by anybody", async (t) => {
  using file = new Fd(native.memfdCreate("sealed", MFD_ALLOW_SEALING));
  writeFileSync(file.number, "program");
  native.addSeals(file.number, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  t.ok(
    isSystemError(
      thrownBy(() => writeFileSync(file.number, "x")),
      "EPERM",
    ),
  );
  t.ok(
    isSystemError(
      thrownBy(() => ftruncateSync(file.number, 0)),
      "EPERM",
    ),
  );
  t.ok(
    isSystemError(
      thrownBy(() => native.addSeals(file.number, 0)),
      "EPERM",
    ),
  );
});

test("holes are found, and bytes copied without passing through here", async (t) => {
  using file = new Fd(native.memfdCreate("sparse", 0));
  ftruncateSync(file.number, 1 << 20);
  t.equal(native.seek(file.number, 0, SEEK_DATA), null, "no data at all");
  writeFileSync(`/proc/self/fd/${file.number}`, "data", { flag: "r+" });
  t.equal(native.seek(file.number, 0, SEEK_DATA), 0);
  t.equal(native.seek(file.number, 0, SEEK_HOLE), 4096);
  using copy = new Fd(openSync(join(temporaryDirectory(t), "copy"), "w+"));
  using plain = new Fd(openSync("/bin/true", "r"));
  t.equal(native.copyFileRange(plain.number, copy.number, 100), 100);
  t.same(readFileSync(`/proc/self/fd/${copy.number}`), readFileSync("/bin/true").subarray(0, 100));
});

test("wrong arguments are TypeErrors, and a NUL byte never cuts a path short", async (t) => {
  t.match(
    thrownBy(() => native.umount("/tmp\0/x", 0)),
    /argument 1 must be a string without NUL bytes/,
  );
  t.match(
    thrownBy(() => native.closeFd("1" as unknown as number)),
    /argument 1 must be a number/,
  );
  t.match(
    thrownBy(() => native.closeFd(1.5)),
    /safe integer/,
  );
  t.match(
    thrownBy(() => native.sendFds(0, "x" as unknown as Buffer, [])),
    /argument 2 must be a Uint8Array/,
  );
});
