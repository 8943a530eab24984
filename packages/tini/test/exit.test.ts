import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { runAsInit, runPlain, tini } from "./support.ts";

test("every exit status passes through unchanged, as process 1", async (t) => {
  const loop = `i=0; while [ $i -lt 256 ]; do ${tini} -s -- sh -c "exit $i"; echo $?; i=$((i+1)); done`;
  const result = await runAsInit(["--", "sh", "-c", loop]);
  t.equal(result.code, 0);
  const all = Array.from({ length: 256 }, (_, code) => String(code)).join("\n");
  t.equal(result.stdout.trim(), all);
  t.equal((await runAsInit(["--", "sh", "-c", "exit 42"])).code, 42, "tini's own, where it is process 1");
});

test("a program ended by signal n gives 128+n", async (t) => {
  for (const [signal, number] of [
    ["TERM", 15],
    ["KILL", 9],
    ["SEGV", 11],
    ["USR1", 10],
  ] as const) {
    t.equal((await runAsInit(["--", "sh", "-c", `kill -${signal} $$`])).code, 128 + number, signal);
  }
});

test("-e turns its statuses into 0, and no others", async (t) => {
  const remapped = (args: string[], code: string) => runPlain(["-s", ...args, "--", "sh", "-c", code]);
  t.equal((await remapped(["-e", "3", "-e", "143"], "exit 3")).code, 0);
  t.equal((await remapped(["-e", "3", "-e", "143"], "kill -TERM $$")).code, 0, "statuses of signals too");
  t.equal((await remapped(["-e", "3", "-e", "255"], "exit 255")).code, 0);
  t.equal((await remapped(["-e", "3"], "exit 4")).code, 4);
  for (const wrong of ["256", "-1", "x", "3x", ""]) {
    const { code, stderr } = await remapped(["-e", wrong], "exit 0");
    t.equal(code, 1, `-e "${wrong}"`);
    t.match(stderr, `Not a valid option for -e: ${wrong}`);
  }
});

test("a missing program exits with 127, a program without permission with 126", async (t) => {
  await using directory = tempDir("tini");
  const plain = join(directory.path, "plain");
  writeFileSync(plain, "echo no\n");
  const missing = await runPlain(["-s", "--", "no-such-program"]);
  t.equal(missing.code, 127);
  t.match(missing.stderr, /exec no-such-program failed: No such file or directory/);
  t.equal((await runPlain(["-s", "--", `${directory.path}/none`])).code, 127);
  const refused = await runPlain(["-s", "--", plain]);
  t.equal(refused.code, 126);
  t.match(refused.stderr, /Permission denied/);
  t.equal((await runPlain(["-s", "--", directory.path])).code, 126, "a directory");
  const found = await run(tini, ["-s", "--", "plain"], { env: { PATH: `/nowhere:${directory.path}` } });
  t.equal(found.code, 126, "found by PATH and refused");
  await using second = tempDir("tini");
  writeFileSync(join(second.path, "plain"), "#!/bin/sh\nexit 4\n", { mode: 0o755 });
  const later = await run(tini, ["-s", "--", "plain"], { env: { PATH: `${directory.path}:${second.path}` } });
  t.equal(later.code, 4, "a later directory's is taken instead");
});

test("a script without an interpreter line is run by the shell, with its arguments", async (t) => {
  await using directory = tempDir("tini");
  const script = join(directory.path, "script");
  writeFileSync(script, "echo got $# $1 $2\nexit 7\n");
  chmodSync(script, 0o755);
  t.match(await runPlain(["-s", "--", script, "a", "b c"]), { code: 7, stdout: "got 2 a b c\n" });
  const byPath = await run(tini, ["-s", "script"], { env: { PATH: `${directory.path}:${process.env["PATH"]}` } });
  t.match(byPath, { code: 7, stdout: "got 0\n" });
});

test("the program's own flags are left to it", async (t) => {
  t.equal((await runPlain(["-s", "echo", "-s", "-g", "--version"])).stdout, "-s -g --version\n");
  t.equal((await runPlain(["-s", "--", "echo", "-v"])).stdout, "-v\n");
});
