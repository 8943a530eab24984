import { cgroupManager } from "../cgroup/manager.ts";
import type { CgroupManager } from "../cgroup/types.ts";
import type { Host } from "../host.ts";
import { demand, isAlive, statusOf } from "../state/lifecycle.ts";
import type { Record, Store } from "../state/store.ts";

const SIGKILL = 9;

/**
 * Sends a signal to the container's first process, and to no other that has come by its number since.
 * @returns false when it is gone
 */
export function signalFirst({ native, debug }: Host, record: Record, signal: number): boolean {
  let pidFd: number | undefined;
  try {
    pidFd = native.pidfdOpen(record.pid);
    if (!isAlive(record)) return false;
    native.pidfdSendSignal(pidFd, signal);
    debug?.(`kill: sent signal ${signal} to process ${record.pid}`);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  } finally {
    if (pidFd !== undefined) native.closeFd(pidFd);
  }
}

/**
 * Sends a signal to the container's first process, or to all of its processes.
 * @throws ContainerError FailedPrecondition when there is no process to send it to
 */
export async function killContainer(
  host: Host,
  store: Store,
  request: { id: string; signal: number; all: boolean },
): Promise<void> {
  const { id, signal, all } = request;
  const record = store.load(id);
  const status = statusOf(store, record, host.facts);
  const cgroup = cgroupManager(host.facts, record.cgroups);
  if (signal === SIGKILL && !hasOwnPids(record) && cgroup.pids().length > 0) {
    // Its first process does not take the others with it, and may be gone while they run on.
    await killEveryProcess(cgroup);
    return;
  }
  if (all) {
    // The first process of a container without a pid namespace may be gone while others run on.
    const pids = cgroup.pids();
    if (pids.length === 0 && status !== "stopped") signalFirst(host, record, signal);
    if (signal !== SIGKILL || !cgroup.killAll()) for (const pid of pids) killQuietly(pid, signal);
  } else {
    demand("kill", status, id);
    if (!signalFirst(host, record, signal)) demand("kill", "stopped", id);
  }
  // A frozen process takes no signal, not even this one on version 1.
  if (status === "paused" && signal === SIGKILL) await cgroup.freeze(false);
}

/** The end of the first process of a pid namespace ends all others in it. */
function hasOwnPids({ spec }: Record): boolean {
  return (spec.linux?.namespaces ?? []).some(({ type, path }) => type === "pid" && !path);
}

/** On version 1 they are frozen meanwhile, so that none can fork away. */
async function killEveryProcess(cgroup: CgroupManager): Promise<void> {
  if (cgroup.killAll()) return;
  try {
    await cgroup.freeze(true);
  } catch {
    // Without a freezer, or where processes wait in the kernel: they are signalled as they are.
  }
  try {
    for (const pid of cgroup.pids()) killQuietly(pid);
  } finally {
    if (cgroup.isFrozen()) await cgroup.freeze(false);
  }
}

/** To a process that may be gone by now. */
export function killQuietly(pid: number, signal = SIGKILL): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
