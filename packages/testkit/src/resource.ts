import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A directory that is removed at the end of its scope. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** Makes a directory below the system's temporary one. Nothing may be mounted below it when its scope ends. */
export function tempDir(label = "test"): TempDir {
  const path = mkdtempSync(join(tmpdir(), `gantry-${label}-`));
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

export interface WaitOptions {
  /** How long to check again; default 20 s, for loaded machines. */
  readonly timeoutMs?: number;
  /** Pause between two checks; default 2 ms. */
  readonly intervalMs?: number;
  /** Names the condition in the error. */
  readonly what?: string;
}

/**
 * Checks the condition until it returns something truthy, and returns that. A condition that throws is checked again.
 * @throws Error that names the condition and has its last error as cause, at the time limit
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const { timeoutMs = 20_000, intervalMs = 2, what = condition.toString() } = options;
  const end = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, undefined | null | false | 0 | "">;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not so after ${timeoutMs} ms: ${what}`, { cause: last });
    await delay(intervalMs);
  }
}

/** A started program whose output is gathered, and which is ended with its scope. */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The output so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves once it has ended and its output has been read; `code` is 128+n after signal n. */
  readonly ended: Promise<ProcessEnd>;
  kill(signal?: NodeJS.Signals): void;
}

export interface ProcessEnd {
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions extends Pick<SpawnOptions, "cwd" | "detached" | "stdio"> {
  /** Added to this process's environment; undefined removes a name. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts a program; at the end of the scope it is killed, if it still runs, together with all that descend from it,
 * and waited for.
 * @throws Error when the program cannot be started
 */
export function start(command: string, args: readonly string[] = [], options: StartOptions = {}): TestProcess {
  const child = spawn(command, args, { ...options, env: { ...process.env, ...options.env } });
  const out = gather(child.stdout);
  const err = gather(child.stderr);
  const exited = once(child, "exit");
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code: code ?? 128 + signalNumber(signal), signal }));
  });
  track(child);
  for (const promise of [exited, ended]) promise.catch(() => {}); // reported to callers that await them
  return {
    pid: child.pid ?? -1,
    child,
    stdout: out,
    stderr: err,
    ended,
    kill: (signal = "SIGTERM") => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      const running = child.exitCode === null && child.signalCode === null;
      if (running && child.pid !== undefined) killTree(child.pid);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      if (running) await exited.catch(() => {});
    },
  };
}

/** The children of a process, as the kernel lists them; none when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").match(/\d+/g) ?? []).map(Number),
    );
  } catch {
    return [];
  }
}

/** Every process that descends from this one, parents first. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Ends a process that this one started, and all that descend from it. */
export function killTree(pid: number): void {
  for (const each of [pid, ...descendantsOf(pid)]) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // ended by itself meanwhile
    }
  }
}

/** Processes that run now: they are killed with a test that is cut short (a time limit, Ctrl-C). */
const running = new Set<ChildProcess>();

function track(child: ChildProcess): void {
  if (running.size === 0) process.once("exit", killRunning);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killRunning);
  });
}

function killRunning(): void {
  for (const { pid } of running) if (pid !== undefined) killTree(pid);
}

function gather(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

function signalNumber(name: NodeJS.Signals | null): number {
  const { signals } = process.getBuiltinModule("node:os").constants;
  return name ? signals[name] : 0;
}

export interface RunOptions extends StartOptions {
  /** Given on standard input, which is then closed; nothing where absent. */
  readonly stdin?: string | Uint8Array;
  /** Kills the program after this time; 60 s where absent. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 * @throws Error when it cannot be started or outlives the time limit (with what it had written)
 */
export async function run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
  const { stdin, timeoutMs = 60_000, ...rest } = options;
  await using process = start(command, args, rest);
  process.child.stdin?.on("error", () => {}); // it may end without reading
  process.child.stdin?.end(stdin);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill("SIGKILL");
  }, timeoutMs);
  try {
    const { code } = await process.ended;
    const result = { code, stdout: process.stdout(), stderr: process.stderr() };
    if (late) throw new Error(`${[command, ...args].join(" ")} ran over ${timeoutMs} ms: ${JSON.stringify(result)}`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
