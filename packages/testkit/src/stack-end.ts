import { existsSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { cgroupDirectories, type LeakScope, processesOf, snapshot } from "./leaks.ts";
import { type RunResult, waitFor } from "./resource.ts";

/** Removes every container by force. */
export async function removeContainers(stack: { client(args: readonly string[]): Promise<RunResult> }): Promise<void> {
  const { code, stdout, stderr } = await stack.client(["ps", "-aq"]);
  if (code !== 0) throw new Error(`client ps -aq: exit status ${code}: ${stderr}`);
  const ids = stdout.split("\n").filter((id) => id !== "");
  if (ids.length > 0) await stack.client(["rm", "-f", ...ids]);
}

/**
 * Asks what still runs (the supervisor outlives its engine) to end, and waits until it has.
 * @returns the leftovers: processes, mounts, and cgroups below the stack's own
 */
export async function leftAfterShutdown(scope: LeakScope, timeoutMs: number): Promise<string[]> {
  const asked = new Set<number>();
  await waitFor(
    () => {
      const running = processesOf(scope);
      for (const { pid } of running) {
        if (!asked.has(pid)) signal(pid, "SIGTERM");
        asked.add(pid);
      }
      return running.length === 0;
    },
    { timeoutMs, intervalMs: 20 },
  ).catch(() => {});
  const { processes, mounts, cgroups } = await snapshot(scope);
  return [
    ...processes.map((each) => `process left after the shutdown: ${each}`),
    ...mounts.map((each) => `mount left after the shutdown: ${each}`),
    ...cgroups
      .filter((path) => !path.endsWith(`/${scope.cgroupParent}`))
      .map((each) => `cgroup left after the shutdown: ${each}`),
  ];
}

/** Kills and removes all that carries the stack's marks. Its mounts and interfaces go with its namespaces. */
export async function removeTraces(scope: LeakScope): Promise<void> {
  await waitFor(
    () => {
      const running = processesOf(scope);
      for (const { pid } of running) {
        thaw(pid, scope);
        signal(pid, "SIGKILL");
      }
      return running.length === 0;
    },
    { timeoutMs: 10_000, intervalMs: 20, what: `processes of ${scope.cgroupParent} gone` },
  ).catch((error: Error) => process.stderr.write(`${error.message}\n`));
  for (const path of cgroupDirectories(scope.cgroupParent).reverse()) {
    await waitFor(() => isRemoved(path), { timeoutMs: 1000 }).catch(() => {});
  }
}

/** A cgroup can be removed a moment after its last process has gone. */
function isRemoved(cgroup: string): boolean {
  if (existsSync(cgroup)) rmdirSync(cgroup);
  return true;
}

/** A frozen process dies only when it is thawed (cgroup v1). */
function thaw(pid: number, scope: LeakScope): void {
  try {
    const path = readFileSync(`/proc/${pid}/cgroup`, "utf8").match(/^\d+:freezer:(.*)$/m)?.[1];
    if (path?.includes(scope.cgroupParent)) writeFileSync(`/sys/fs/cgroup/freezer${path}/freezer.state`, "THAWED");
  } catch {
    // ended meanwhile, or no such hierarchy
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ended by itself meanwhile
  }
}
