import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Box, cannotRun } from "./box.ts";

const skip = cannotRun() ?? false;

test("HOME is found as libc finds it, in long lines and large files too", { skip }, async (t) => {
  await using box = new Box();
  const cases: Readonly<Record<string, readonly [passwd: string, home: string]>> = {
    "an entry among others": ["root:x:0:0::/root:\nuser:x:1000:1000::/home/user:/bin/sh\n", "/home/user"],
    "a number in the place of a name": ["1000:x:7:7::/wrong:\n", "/"],
    "what is no number": ["user:x:ten:10::/wrong:\nuser:x:1000x:10::/wrong:\n", "/"],
    "a group that is none": ["user:x:1000:ten::/wrong:\n", "/"],
    "a large group": ["user:x:1000:4294967294::/home/user:\n", "/home/user"],
    "comments and lines of NIS": ["#user:x:1000:1::/wrong:\n+:x:1000:1::/wrong:\n-u:x:1000:1::/wrong:\n", "/"],
    "short lines": ["user\nuser:x\nuser:x:1000\n", "/"],
    "spaces and carriage returns": ["  user:x: 1000 :1000::/home/user  \r\n", "/home/user"],
    "no newline at the end": ["user:x:1000:1000::/home/user", "/home/user"],
    "the first of two": ["a:x:1000:1::/first:\nb:x:1000:1::/second:\n", "/first"],
    "a long line": [`user:x:1000:1000:${"x".repeat(1 << 20)}:/home/user:\n`, "/home/user"],
    "a large file": [
      `${"other:x:5:5:a comment:/:/bin/sh\n".repeat(20_000)}user:x:1000:1000::/home/user:\n`,
      "/home/user",
    ],
  };
  box.configure("echo $HOME", (spec) => {
    spec.process.user = { uid: 1000, gid: 1000 };
  });
  for (const [name, [passwd, home]] of Object.entries(cases)) {
    writeFileSync(join(box.rootfs, "etc/passwd"), passwd);
    t.equal((await box.run()).stdout, `${home}\n`, name);
  }
  writeFileSync(join(box.rootfs, "etc/passwd"), "nobody:x:no:no::/wrong:\n");
  box.configure("echo $HOME");
  t.equal((await box.run()).stdout, "/\n", "an account without a number is not root");
});
