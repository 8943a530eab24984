import { existsSync, globSync } from "node:fs";
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { paths } from "./paths.ts";
import { type FileResult, runTestFile } from "./test-file.ts";

const help = `Usage:  tools/test [--bail] [PATH]...

Runs the tests below the given files or folders, all of them unless told, one file after another.
Ends with a line "tests: N passed, N failed, N skipped". What is skipped says why.

Example:
  tools/test packages/ipc test/e2e
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { help: { type: "boolean", short: "h" }, bail: { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const files = testFiles(positionals);
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  for (const file of files) {
    const result = await runTestFile(file);
    report(file, result);
    total.passed += result.passed;
    total.failed += result.failures.length;
    total.skipped += result.skips.length;
    failures.push(...result.failures.map((failure) => `${shown(file)}: ${failure.name}`));
    if (values.bail && failures.length > 0) break;
  }
  for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
  process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
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
