import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RunResult, run } from "@gantry/testkit";
import { type Test, test } from "tap";
import { paths } from "../../tools/src/paths.ts";

/** Writes test files where they can import tap, and runs the driver on them. */
async function drive(
  t: Test,
  files: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<RunResult & { directory: string }> {
  mkdirSync(paths.build, { recursive: true });
  const directory = mkdtempSync(join(paths.build, "driver-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [name, body] of Object.entries(files))
    writeFileSync(join(directory, `${name}.test.ts`), `import { t as tap, test } from "tap";\n${body}\n`);
  const result = await run(process.execPath, [join(paths.root, "tools/src/test.ts"), ...options, directory]);
  return { ...result, directory };
}

test("counts top-level tests, shows the reason of each skip, and does not count teardown", async (t) => {
  const { code, stdout } = await drive(t, {
    good: 'tap.teardown(async () => {});\ntest("one", async (t) => t.pass());\ntest("two", async (t) => t.pass());',
    skipped: 'test("absent", { skip: "needs a moon" }, async () => {});',
  });
  t.equal(code, 0);
  t.match(stdout, / {5}skipped: absent: needs a moon\n/);
  t.match(stdout, /^tests: 2 passed, 0 failed, 1 skipped$/m);
});

test("a failed assertion, a failed teardown and a file that crashes are failures", async (t) => {
  const { code, stdout } = await drive(t, {
    assertion: 'test("wrong", async (t) => t.equal(1, 2));',
    teardown: 'tap.teardown(async () => { throw new Error("left"); });\ntest("fine", async (t) => t.pass());',
    crash: "process.exit(3);",
  });
  t.equal(code, 1);
  t.match(stdout, /assertion\.test\.ts: wrong$/m);
  t.match(stdout, /teardown\.test\.ts: the file ended with 1$/m);
  t.match(stdout, /crash\.test\.ts: the file ended with 3$/m);
  t.match(stdout, /^tests: 1 passed, 3 failed, 0 skipped$/m);
});

test("--retry reports a test that passes the second time as unsteady", async (t) => {
  const once = `import { existsSync, writeFileSync } from "node:fs";
test("racing", async (t) => {
  const mark = import.meta.filename + ".ran";
  t.ok(existsSync(mark));
  writeFileSync(mark, "");
});`;
  const { code, stdout } = await drive(t, { once }, ["--retry"]);
  t.equal(code, 0);
  t.match(stdout, /^unsteady, passed when run again: .*once\.test\.ts: racing$/m);
  t.match(stdout, /^tests: 1 passed, 0 failed, 0 skipped$/m);
});

test("--repeat runs every file again, and with --bail ends at the first failure", async (t) => {
  const third = `import { appendFileSync, readFileSync } from "node:fs";
test("third time", async (t) => {
  const mark = import.meta.filename + ".ran";
  appendFileSync(mark, "x");
  t.ok(readFileSync(mark, "utf8").length < 3);
});`;
  const { code, stdout } = await drive(t, { third }, ["--repeat", "5", "--bail"]);
  t.equal(code, 1);
  t.match(stdout, /^round 3 of 5$/m);
  t.notMatch(stdout, /^round 4/m);
  t.match(stdout, /^tests: 2 passed, 1 failed, 0 skipped$/m);
});

test("--results writes the results, by paths inside the work tree", async (t) => {
  const results = join(paths.build, `results-${process.pid}.json`);
  t.teardown(() => rmSync(results, { force: true }));
  const { directory } = await drive(t, { good: 'test("one", async (t) => t.pass());' }, ["--results", results]);
  const [{ file, result }] = JSON.parse(readFileSync(results, "utf8"));
  t.equal(join(paths.root, file.file), join(directory, "good.test.ts"));
  t.match(result, { passed: 1, failures: [], skips: [] });
});
