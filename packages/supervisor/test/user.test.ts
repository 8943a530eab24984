import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { resolveUserIn } from "../src/tasks/user.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:web:/:/bin/false\nodd:x:70000:70001::/:\n# comment\n";
const group = "root:x:0:\nweb:x:44:\nextra:x:50:web,odd\nmore:x:51:web\n";

test("users are looked up by Docker's rules", async (t) => {
  await using directory = tempDir("user");
  mkdirSync(join(directory.path, "etc"));
  writeFileSync(join(directory.path, "etc/passwd"), passwd);
  writeFileSync(join(directory.path, "etc/group"), group);
  const resolve = (user: string) => {
    const { uid, gid, additionalGids } = resolveUserIn(nativeSys(), directory.path, user);
    return [uid, gid, ...additionalGids];
  };
  t.strictSame(resolve("web"), [33, 44, 44, 50, 51]);
  t.strictSame(resolve("33"), [33, 44, 44, 50, 51]);
  t.strictSame(resolve("web:extra"), [33, 50, 50]);
  t.strictSame(resolve("1234"), [1234, 0, 0]);
  t.strictSame(resolve("1234:5678"), [1234, 5678, 5678]);
  t.strictSame(resolve("root"), [0, 0, 0]);
  t.throws(() => resolve("nobody"), {
    message: "unable to find user nobody: no matching entries in passwd file",
    data: { reason: "UserNotFound" },
  });
  t.throws(() => resolve("web:none"), {
    message: "unable to find group none: no matching entries in group file",
    data: { reason: "GroupNotFound" },
  });
  t.throws(() => resolve("4294967296"), { message: /range 0-2147483647/ });
});

test("a numeric user matches ids alone: an account of that name does not change the id", async (t) => {
  await using directory = tempDir("user");
  mkdirSync(join(directory.path, "etc"));
  writeFileSync(join(directory.path, "etc/passwd"), "root:x:0:0:::\n1000:x:0:0:::\n7:x:0:0:::\n");
  writeFileSync(join(directory.path, "etc/group"), "root:x:0:\n50:x:0:\n");
  const resolve = (user: string) => {
    const { uid, gid, additionalGids } = resolveUserIn(nativeSys(), directory.path, user);
    return [uid, gid, ...additionalGids];
  };
  t.strictSame(resolve("1000"), [1000, 0, 0]);
  t.strictSame(resolve("7:50"), [7, 50, 50]);
});

test("a root file system cannot make the lookup read or wait outside", async (t) => {
  await using directory = tempDir("user");
  mkdirSync(join(directory.path, "etc"));
  symlinkSync("/etc/passwd", join(directory.path, "etc/passwd"));
  execFileSync("mkfifo", [join(directory.path, "etc/group")]);
  t.throws(() => resolveUserIn(nativeSys(), directory.path, "root"), { message: /unable to find user root/ });
  t.strictSame(resolveUserIn(nativeSys(), directory.path, "5").uid, 5);
});
