import { existsSync } from "node:fs";
import type { Hook, HookName, State } from "@gantry/oci-spec/runtime";
import type { Host } from "../host.ts";

/**
 * Runs the hooks of one point in the runtime's namespaces, in their order, with the state document as standard input.
 * @throws Error naming the hook, with its standard error
 */
export async function runHooks(
  { debug }: Pick<Host, "debug">,
  name: HookName,
  hooks: readonly Hook[] | undefined,
  state: State,
): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) {
    const began = debug && performance.now();
    try {
      debug?.(`hook ${name}[${index}]: running ${hook.path}`);
      await runHook(hook, state);
      debug?.(`hook ${name}[${index}]: ended after ${(performance.now() - (began ?? 0)).toFixed(1)} ms`);
    } catch (error) {
      throw new Error(`error running ${name} hook #${index}: ${(error as Error).message}`);
    }
  }
}

/** How long hooks may take in all, by their timeouts in seconds: without one a hook may take as long as it likes. */
export function hooksMs(timeouts: readonly number[]): number {
  return timeouts.reduce((sum, seconds) => sum + (seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY), 0);
}

/** How long the output of a hook that failed may take to arrive, where a process that it has left holds its streams. */
const lastOutputMs = 1000;

/** In the bundle, where that is still there, and in the runtime's own environment unless the hook has one. */
async function runHook(hook: Hook, state: State): Promise<void> {
  // Takes milliseconds to load: only a container with hooks pays for it.
  const { spawn } = await import("node:child_process");
  const [argv0 = hook.path, ...args] = hook.args ?? [];
  const child = spawn(hook.path, args, {
    argv0,
    env: hook.env ? parseEnv(hook.env) : process.env,
    stdio: ["pipe", "pipe", "pipe"],
    ...(existsSync(state.bundle) ? { cwd: state.bundle } : {}),
  });
  let said = "";
  const keep = (data: Buffer) => {
    if (said.length < 4096) said += data.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  // A hook that does not read its input is fine.
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify(state));
  return new Promise((resolve, reject) => {
    const timer = hook.timeout
      ? setTimeout(() => {
          child.kill("SIGKILL");
          reject(new Error(`${hook.path} took longer than ${hook.timeout} s`));
        }, hook.timeout * 1000)
      : undefined;
    const end = (problem: string | undefined) => {
      clearTimeout(timer);
      if (problem === undefined) resolve();
      else reject(new Error(`${hook.path}: ${problem}${said ? `: ${said.trim()}` : ""}`));
    };
    child.on("error", (error) => end(error.message));
    child.on("exit", (code, signal) => {
      if (code === 0) return end(undefined);
      const problem = signal ? `ended by ${signal}` : `exit status ${code}`;
      const late = setTimeout(() => end(problem), lastOutputMs);
      child.on("close", () => {
        clearTimeout(late);
        end(problem);
      });
    });
  });
}

function parseEnv(entries: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    if (equals > 0) env[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return env;
}
