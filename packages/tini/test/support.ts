import { readFileSync } from "node:fs";
import { type RunResult, run, start, type TestProcess } from "@gantry/testkit";
import { buildTini } from "../build.ts";

export const tini: string = buildTini();

/** unshare(1)'s way to make tini process 1 of a process namespace with its own /proc. */
const asProcessOne = ["-p", "-f", "--mount-proc", "--kill-child", tini];

export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs tini as process 1 to its end. */
export function runAsInit(args: readonly string[], env: Environment = {}): Promise<RunResult> {
  return run("unshare", [...asProcessOne, ...args], { env });
}

/** Runs tini as an ordinary process to its end. */
export function runPlain(args: readonly string[], env: Environment = {}): Promise<RunResult> {
  return run(tini, args, { env });
}

export function startPlain(args: readonly string[], env: Environment = {}): TestProcess {
  return start(tini, args, { env });
}

/** One field of /proc/PID/status; empty when the process is gone. */
export function statusField(pid: number | "self", name: string): string {
  try {
    const line = readFileSync(`/proc/${pid}/status`, "utf8").match(new RegExp(`^${name}:\\s*(.*)$`, "m"));
    return line?.[1] ?? "";
  } catch {
    return "";
  }
}
