import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { runPlain, tini } from "./support.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
  version: string;
};

test("--help prints the same as -h", async (t) => {
  t.same(await runPlain(["--help"]), await runPlain(["-h"]));
});

test("--version, -h and -l answer on standard output and succeed", async (t) => {
  t.same(await runPlain(["--version"]), { code: 0, stdout: `tini version ${version}\n`, stderr: "" });
  const help = await runPlain(["-h"]);
  t.match(help, { code: 0, stderr: "" });
  t.match(help.stdout, /^Usage: tini-static \[OPTIONS\]/m);
  t.match(help.stdout, /Example:/);
  const license = await runPlain(["-l"]);
  t.match(license, { code: 0, stderr: "" });
  t.match(license.stdout, /Apache License, Version 2\.0/);
});

test("the help names every flag and environment variable that exists, and no other", async (t) => {
  const { stdout } = await runPlain(["-h"]);
  const letters = [...stdout.matchAll(/^ {2}-([a-zA-Z])/gm)].map((match) => match[1]);
  t.same(letters.sort(), ["e", "g", "h", "l", "p", "s", "v", "w"]);
  for (const letter of "abcdfijkmnoqrtuxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
    t.equal((await runPlain([`-${letter}`, "true"])).code, 1, `-${letter} is refused`);
  }
  const variables = [...stdout.matchAll(/^ {2}(TINI_\w+)/gm)].map((match) => match[1] ?? "");
  const known = new Set(
    readFileSync(tini)
      .toString("latin1")
      .match(/TINI_[A-Z_]+/g),
  );
  t.same([...known].sort(), variables.sort());
});

test("a wrong command line is refused with the usage on standard error", async (t) => {
  for (const args of [[], ["-s"], ["--"], ["-x", "true"], ["--help-me", "true"], ["-e"]]) {
    const { code, stdout, stderr } = await runPlain(args);
    t.equal(code, 1, args.join(" "));
    t.equal(stdout, "");
    t.match(stderr, /^Usage: /m);
  }
  t.match(await runPlain(["-p", "SIGNONE", "true"]), { code: 1, stderr: /Not a valid option for -p: SIGNONE/ });
  t.match(await runPlain(["-p", "15", "true"]), { code: 1 });
});

test("the program is static and small", (t) => {
  const program = readFileSync(tini);
  t.notOk(program.includes("ld-linux") || program.includes("ld-musl"), "no dynamic loader");
  t.ok(program.length < 80_000, `${program.length} bytes`);
  t.end();
});
