import { randomUUID } from "node:crypto";
import { existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { JsRuntimeName } from "./binaries.ts";
import { underBun } from "./bun-tests.ts";
import { paths } from "./paths.ts";
import { runTestFile, type TestFile } from "./test-file.ts";
import { runInLanes } from "./test-lanes.ts";
import { leftBehind, machineState, runVariable } from "./test-leaks.ts";
import { type FileRun, reportFile, shownPath, summarize } from "./test-report.ts";
import { affectedFolders, encodeResults, runCachedSuites } from "./test-suites.ts";

const help = `Usage:  tools/test [OPTIONS] [PATH]...

Runs the tests below the given files or folders, or all tests. Files that do not share the machine's state run side by
side (tools/src/test-lanes.ts). Ends with a line "tests: N passed, N failed, N skipped". A skipped test prints why.

  --affected BASE    run only the tests of projects that the changes since the commit BASE affect
  --bail             stop after the first file that fails
  --leaks            fail when the tests leave mounts, cgroups, processes, interfaces or rules on the machine (default
                     when all tests run)
  --jobs N           run up to N files side by side (default: one more than there are processors, at most 5)
  --js-runtime NAME  run under node or bun only (default: all files under Node, and those of what Bun runs under Bun too)
  --repeat N         run every file N times, to find tests that pass only mostly
  --results FILE     also write the results to a file, as JSON
  --retry            run a file that failed once more at the end, and report it as unsteady if it passes then

Example:
  tools/test packages/ipc test/e2e
  tools/test --repeat 20 --bail test/chaos
`;

interface Options {
  readonly bail: boolean;
  readonly jobs: number;
  readonly repeat: number;
  readonly retry: boolean;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      affected: { type: "string" },
      bail: { type: "boolean", default: false },
      "js-runtime": { type: "string" },
      leaks: { type: "boolean" },
      // Files wait for programs and containers half of their time: one more keeps the processors busy.
      jobs: { type: "string", default: String(Math.min(availableParallelism(), 4) + 1) },
      repeat: { type: "string", default: "1" },
      results: { type: "string" },
      retry: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const options = { ...values, jobs: countOf("--jobs", values.jobs), repeat: countOf("--repeat", values.repeat) };
  const files = testFiles(values.affected ? await affectedFolders(values.affected) : positionals);
  // A named folder or JS runtime is run as it stands; results that are known may be taken from Nx when nothing is named.
  const isNamed = positionals.length > 0 || values["js-runtime"] !== undefined || options.repeat > 1;
  // A run that another one starts, by Nx, is part of that.
  process.env[runVariable] ??= randomUUID();
  const runId = process.env[runVariable];
  const before = await machineState(runId);
  const known = isNamed ? [] : await runCachedSuites(files);
  for (const run of known) reportFile(run);
  const others = files.filter((file) => !known.some((run) => run.file.file === file));
  const first = [...known, ...(await runAll(underRuntimes(others, jsRuntimesOf(values["js-runtime"])), options))];
  const runs = options.retry ? await retryFailed(first) : first;
  if (values.results) writeResults(values.results, runs);
  const left = (values.leaks ?? !isNamed) ? leftBehind(before, await machineState(runId)) : [];
  for (const each of left) process.stdout.write(`left behind: ${each}\n`);
  process.exitCode = summarize(runs) && left.length === 0 ? 0 : 1;
}

function writeResults(path: string, runs: readonly FileRun[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, encodeResults(runs));
}

function countOf(flag: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${flag} must be a number from 1 to 9999, not ${text}`);
  return Number(text);
}

/** @throws Error for a name that is not a JS runtime's */
function jsRuntimesOf(name: string | undefined): JsRuntimeName[] {
  if (name === undefined) return ["node", "bun"];
  if (name !== "node" && name !== "bun") throw new Error(`--js-runtime must be node or bun, not ${name}`);
  return [name];
}

function underRuntimes(files: readonly string[], jsRuntimes: readonly JsRuntimeName[]): TestFile[] {
  const all = files.flatMap((file) => jsRuntimes.map((jsRuntime) => ({ file, jsRuntime })));
  return all.filter(({ file, jsRuntime }) => jsRuntime === "node" || underBun(file));
}

async function runAll(files: readonly TestFile[], { bail, jobs, repeat }: Options): Promise<FileRun[]> {
  const runs: FileRun[] = [];
  let failed = false;
  for (let round = 1; round <= repeat && !(failed && bail); round++) {
    if (repeat > 1) process.stdout.write(`round ${round} of ${repeat}\n`);
    await runInLanes(files, jobs, async (file) => {
      const run = { file, result: await runTestFile(file) };
      reportFile(run);
      runs.push(run);
      failed ||= run.result.failures.length > 0;
      return !(failed && bail);
    });
  }
  return runs;
}

/** Runs the files that failed once more, one at a time. A file that passes then is reported: it, or what it tests, is unsteady. */
async function retryFailed(runs: readonly FileRun[]): Promise<FileRun[]> {
  const latest: FileRun[] = [];
  for (const run of runs) {
    latest.push(run.result.failures.length > 0 ? await retry(run) : run);
  }
  return latest;
}

async function retry(failed: FileRun): Promise<FileRun> {
  const again = { file: failed.file, result: await runTestFile(failed.file) };
  reportFile(again);
  if (again.result.failures.length > 0) return failed;
  for (const { name } of failed.result.failures)
    process.stdout.write(`unsteady, passed when run again: ${shownPath(failed.file)}: ${name}\n`);
  return again;
}

function testFiles(places: readonly string[]): string[] {
  const folders =
    places.length > 0 ? places.map((path) => resolve(path)) : [`${paths.packages}/*/test`, `${paths.root}/test`];
  const found = folders.flatMap((place) =>
    place.endsWith(".test.ts") && existsSync(place) ? [place] : globSync(`${place}/**/*.test.ts`),
  );
  if (found.length === 0) throw new Error(`no *.test.ts below ${folders.join(", ")}`);
  return [...new Set(found)].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Packages before the whole stack: what is small fails first. */
function rank(file: string): number {
  return file.startsWith(paths.packages) ? 0 : 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`tools/test: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
