import { relative } from "node:path";
import { paths } from "./paths.ts";
import type { FileResult, TestFile } from "./test-file.ts";

/** One run of a file: with `--repeat` a file has several. */
export interface FileRun {
  readonly file: TestFile;
  readonly result: FileResult;
}

/** Prints the result of one file: its failures and what it skipped, with reasons. */
export function reportFile({ file, result }: FileRun): void {
  const seconds = (result.milliseconds / 1000).toFixed(1);
  const verdict = result.failures.length > 0 ? "FAIL" : "ok  ";
  process.stdout.write(`${verdict} ${shownPath(file)} (${result.passed} passed, ${seconds} s)\n`);
  for (const skip of result.skips) process.stdout.write(`     skipped: ${skip}\n`);
  for (const failure of result.failures) process.stdout.write(`${indent(`${failure.name}\n${failure.details}`)}\n`);
}

/** Prints the closing lines and returns whether all tests passed. */
export function summarize(runs: Iterable<FileRun>): boolean {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { file, result } of runs) {
    total.passed += result.passed;
    total.failed += result.failures.length;
    total.skipped += result.skips.length;
    for (const { name } of result.failures) process.stdout.write(`failed: ${shownPath(file)}: ${name}\n`);
  }
  process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0;
}

export function shownPath({ file, jsRuntime }: TestFile): string {
  return `${relative(paths.root, file)}${jsRuntime === "bun" ? " under Bun" : ""}`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "     ");
}
