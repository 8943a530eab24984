import { existsSync, globSync } from "node:fs";
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { paths } from "./paths.ts";
import { type FileResult, runTestFile } from "./test-file.ts";

const help = `Usage:  tools/test [--bail] [--retry] [PATH]...

Runs the tests below the given files or folders, all of them unless told, one file after another.
Ends with a line "tests: N passed, N failed, N skipped". What is skipped says why.

  --bail    stop after the first file that fails
  --retry   run a file that failed once more at the end, and say so when it passes then

Example:
  tools/test packages/ipc test/e2e
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      bail: { type: "boolean" },
      retry: { type: "boolean" },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const results = new Map<string, FileResult>();
  for (const file of testFiles(positionals)) {
    const result = await runTestFile(file);
    report(file, result);
    results.set(file, result);
    if (values.bail && result.failures.length > 0) break;
  }
  if (values.retry) await retry(results);
  process.exitCode = summarize(results) ? 0 : 1;
}

/** Runs once more what failed. What passes then is told all the same: its test, or what it tests, is unsteady. */
async function retry(results: Map<string, FileResult>): Promise<void> {
  for (const [file, { failures }] of results) {
    if (failures.length === 0) continue;
    const again = await runTestFile(file);
    report(file, again);
    if (again.failures.length > 0) continue;
    for (const { name } of failures) process.stdout.write(`unsteady, passed when run again: ${shown(file)}: ${name}\n`);
    results.set(file, again);
  }
}

/** The closing lines. @returns whether all is well */
function summarize(results: ReadonlyMap<string, FileResult>): boolean {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [file, { passed, failures, skips }] of results) {
    total.passed += passed;
    total.failed += failures.length;
    total.skipped += skips.length;
    for (const { name } of failures) process.stdout.write(`failed: ${shown(file)}: ${name}\n`);
  }
  process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0;
}

function testFiles(asked: readonly string[]): string[] {
  const places =
    asked.length > 0 ? asked.map((path) => resolve(path)) : [`${paths.packages}/*/test`, `${paths.root}/test`];
  const found = places.flatMap((place) =>
    place.endsWith(".test.ts") && existsSync(place) ? [place] : globSync(`${place}/**/*.test.ts`),
  );
  if (found.length === 0) throw new Error(`no *.test.ts below ${places.join(", ")}`);
  return [...new Set(found)].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Packages before the whole stack: what is small fails first. */
function rank(file: string): number {
  return file.startsWith(paths.packages) ? 0 : 1;
}

function report(file: string, result: FileResult): void {
  const seconds = (result.milliseconds / 1000).toFixed(1);
  const verdict = result.failures.length > 0 ? "FAIL" : "ok  ";
  process.stdout.write(`${verdict} ${shown(file)} (${result.passed} passed, ${seconds} s)\n`);
  for (const skip of result.skips) process.stdout.write(`     skipped: ${skip}\n`);
  for (const failure of result.failures) process.stdout.write(`${indent(`${failure.name}\n${failure.details}`)}\n`);
}

function shown(file: string): string {
  return relative(paths.root, file);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "     ");
}

main().catch((error: unknown) => {
  process.stderr.write(`tools/test: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
