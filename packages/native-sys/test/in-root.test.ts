import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { AT_FDCWD, Fd, FileTooLargeError, nativeSys, O_DIRECTORY, O_PATH, readFileInRoot } from "../src/index.ts";

const limit = { maxBytes: 10 };

test("a file in a root: links stay inside, and only a regular file of the size that is allowed is read", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "in-root-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const native = nativeSys();
  mkdirSync(join(directory, "etc"));
  writeFileSync(join(directory, "etc/group"), "inside");
  symlinkSync("/../../etc/group", join(directory, "absolute"));
  symlinkSync("loop", join(directory, "loop"));
  execFileSync("mkfifo", [join(directory, "fifo")]);
  writeFileSync(join(directory, "large"), "more than ten");
  using root = new Fd(native.openat2(AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0, 0));
  const read = (path: string) => Buffer.from(readFileInRoot(native, root.number, path, limit)).toString();
  t.equal(read("etc/group"), "inside");
  t.equal(read("absolute"), "inside");
  for (const path of ["none", "etc/group/below", "loop", "fifo", "etc"]) t.equal(read(path), "", path);
  t.throws(() => read("large"), FileTooLargeError);
  if (process.geteuid?.() !== 0) return;
  execFileSync("mknod", [join(directory, "zero"), "c", "1", "5"]);
  t.equal(read("zero"), "", "a device that an image brings is not read");
});
