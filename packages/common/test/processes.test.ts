import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { lockDirectory } from "../src/directory-lock.ts";
import { findProgram, findSibling, isExecutable } from "../src/programs.ts";
import { readReadyLine } from "../src/ready-line.ts";

const options = { timeoutMs: 10_000, maxBytes: 100 };

function shell(script: string) {
  return spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
}

test("a program is an executable file, and never a directory of its name", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "gantry-programs-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const name of ["a", "b", "c"]) mkdirSync(join(root, name));
  mkdirSync(join(root, "a/tool"));
  writeFileSync(join(root, "b/tool"), "text", { mode: 0o644 });
  writeFileSync(join(root, "c/tool"), "#!/bin/sh\n");
  chmodSync(join(root, "c/tool"), 0o755);
  symlinkSync("c/tool", join(root, "link"));
  t.equal(isExecutable(join(root, "a/tool")), false);
  t.equal(isExecutable(join(root, "link")), true);
  t.equal(isExecutable(join(root, "none")), false);
  const path = ["a", "b", "c"].map((name) => join(root, name)).join(":");
  t.equal(findProgram("tool", path), join(root, "c/tool"));
  t.equal(findProgram("c/tool", "", root), join(root, "c/tool"));
  t.equal(
    findProgram("tool", ":/nowhere", join(root, "c")),
    join(root, "c/tool"),
    "an empty entry is the working directory",
  );
  t.equal(findProgram("", path), undefined);
  t.equal(findSibling("tool", path, join(root, "c/other")), join(root, "c/tool"));
  t.equal(
    findSibling("tool", path, join(root, "a/other")),
    join(root, "c/tool"),
    "beside it there is only a directory",
  );
});

test("the first line of a child is its word that it is ready", async (t) => {
  t.equal(await readReadyLine(shell("printf 're'; printf 'ady é\\nmore'"), options), "ready é");
  await t.rejects(readReadyLine(shell("exit 3"), options), /ended with status 3/);
  await t.rejects(readReadyLine(shell("kill -9 $$"), options), /ended with SIGKILL/);
  const endless = shell("head -c 200 /dev/zero; exec sleep 60");
  t.teardown(() => endless.kill("SIGKILL"));
  await t.rejects(readReadyLine(endless, options), /longer than 100 bytes/);
  await t.rejects(readReadyLine(spawn("/nowhere/program", { stdio: "pipe" }), options), /ENOENT/);
  const silent = shell("exec sleep 60");
  t.teardown(() => silent.kill("SIGKILL"));
  await t.rejects(readReadyLine(silent, { ...options, timeoutMs: 50 }), /not ready within 50 ms/);
});

test("a directory in use names its holder", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-lock-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const request = { directory, file: "lock", holder: "engine", flag: "--state" };
  const held = lockDirectory(() => true, request);
  t.throws(
    () => lockDirectory(() => false, request),
    new RegExp(`another engine \\(process ${process.pid}\\): .*--state`),
  );
  held[Symbol.dispose]();
});
