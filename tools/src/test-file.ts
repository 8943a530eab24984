import { spawn } from "node:child_process";
import { join } from "node:path";
import { type FinalResults, Parser, type Result } from "tap-parser";
import type { JsRuntimeName } from "./binaries.ts";
import { bunProgram } from "./bun-program.ts";
import { underBun } from "./bun-tests.ts";
import { paths } from "./paths.ts";
import { makeTapBundle, tapBundle } from "./tap-bundle.ts";

export interface Failure {
  readonly name: string;
  /** The messages of the assertions, and what the file wrote to stderr. */
  readonly details: string;
}

export interface FileResult {
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** "NAME: REASON" of each skipped test. */
  readonly skips: readonly string[];
  readonly milliseconds: number;
}

/** The longest that one file may take. A guest is slower beside other tests. */
const limitMs = 15 * 60_000;

/**
 * Variables of all test files, and of the programs that they start. With a cache of compiled code, a program that Node
 * runs from its sources takes a third of the processor time.
 */
const testEnvironment = {
  TAP_TIMEOUT: String(limitMs / 1000),
  GANTRY_TAP: tapBundle,
  NODE_COMPILE_CACHE: join(paths.build, "compile-cache"),
};

/** The command that runs a test file, and variables of its environment. */
interface TestCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const node = (file: string, env: TestCommand["env"] = {}): TestCommand => ({
  program: process.execPath,
  args: ["--disable-warning=ExperimentalWarning", "--import", join(import.meta.dirname, "node-tap.ts"), file],
  env,
});

/** A test file and the JS runtime under which it, or the programs that it starts, are tested. */
export interface TestFile {
  readonly file: string;
  readonly jsRuntime: JsRuntimeName;
}

/** Runs a test file, or reports why its JS runtime cannot run it. */
export async function runTestFile({ file, jsRuntime }: TestFile): Promise<FileResult> {
  await makeTapBundle();
  if (jsRuntime === "node") return run(node(file));
  const how = underBun(file) ?? { skipped: "it has nothing to test under Bun" };
  if ("skipped" in how) return { passed: 0, failures: [], skips: [`under Bun: ${how.skipped}`], milliseconds: 0 };
  if (how.runs === "programs") return run(node(file, { GANTRY_JS_PROGRAM: bunProgram }));
  return run({ program: bunProgram, args: ["--preload", join(import.meta.dirname, "bun-tap.ts"), file], env: {} });
}

/** Runs one tap test file as a program of its own and reads the TAP that it prints. A test is a top-level `test()` of the file. */
async function run({ program, args, env }: TestCommand): Promise<FileResult> {
  const started = performance.now();
  const reader = new TapReader();
  const child = spawn(program, args, {
    cwd: paths.root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...testEnvironment, ...env },
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5000).unref();
  }, limitMs);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-8000);
  });
  child.stdout.pipe(reader.parser);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearTimeout(timer);
  const results = await reader.finished;
  const failures = reader.failures.map((failure) => ({ ...failure, details: failure.details + stderr }));
  if (failures.length === 0 && (code !== 0 || !results.ok)) {
    const reason = late ? `took longer than ${limitMs / 1000} s` : `ended with ${code}`;
    failures.push({ name: `the file ${reason}`, details: stderr });
  }
  return { passed: reader.passed, failures, skips: reader.skips, milliseconds: performance.now() - started };
}

class TapReader {
  readonly parser = new Parser();
  readonly failures: Failure[] = [];
  readonly skips: string[] = [];
  readonly finished: Promise<FinalResults>;
  passed = 0;
  #details: string[] = [];

  constructor() {
    this.parser.on("child", (child) => this.#collect(child));
    this.parser.on("assert", (result) => this.#top(result));
    this.finished = new Promise((resolve) => this.parser.on("complete", resolve));
  }

  /** Failed assertions below a top-level test, at any depth. */
  #collect(parser: Parser): void {
    parser.on("child", (child) => this.#collect(child));
    parser.on("assert", (result) => {
      if (!result.ok && !result.todo && !result.skip) this.#details.push(describe(result));
    });
  }

  #top(result: Result): void {
    if (result.skip) this.skips.push(`${result.name}: ${result.skip === true ? "no reason given" : result.skip}`);
    else if (result.ok || result.todo) this.passed++;
    else this.failures.push({ name: result.name, details: [...this.#details, describe(result)].join("\n") });
    this.#details = [];
  }
}

/** The parts of a TAP diagnostic that explain a failure. */
interface Diagnostics {
  readonly at?: { readonly fileName?: string; readonly lineNumber?: number };
  readonly diff?: string;
  readonly message?: string;
}

function describe(result: Result): string {
  const diagnostics = result.diag as Diagnostics | null;
  const place = diagnostics?.at?.fileName ? ` (${diagnostics.at.fileName}:${diagnostics.at.lineNumber})` : "";
  return [`not ok: ${result.name}${place}`, diagnostics?.diff, diagnostics?.message].filter(Boolean).join("\n");
}
