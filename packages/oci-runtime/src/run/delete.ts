import { setTimeout as delay } from "node:timers/promises";
import { cgroupManager } from "../cgroup/manager.ts";
import type { CgroupManager } from "../cgroup/types.ts";
import type { Host } from "../host.ts";
import { demand, isAlive, stateDocument, statusOf } from "../state/lifecycle.ts";
import { ContainerError, type Record, type Store } from "../state/store.ts";
import { runHooks } from "./hooks.ts";
import { killQuietly, signalFirst } from "./kill.ts";
import { endScope } from "./limits/scope.ts";

/**
 * Removes a container that has stopped or was never started; with force a running one, too.
 * @throws ContainerError NotFound (not with force), FailedPrecondition
 */
export async function deleteContainer(
  host: Host,
  store: Store,
  request: { id: string; force: boolean },
): Promise<void> {
  const { id, force } = request;
  const record = store.find(id);
  if (!record) {
    if (store.exists(id)) store.remove(id);
    else if (!force) throw new ContainerError("NotFound", `container does not exist: ${id}`);
    return;
  }
  const status = statusOf(store, record, host.facts);
  if (!force) demand("delete", status, id);
  const cgroup = cgroupManager(host.facts, record.cgroups);
  await endAll(host, record, cgroup);
  await endScope(record.scope);
  await cgroup.remove();
  host.debug?.(`cgroup: removed ${Object.values(record.cgroups).join(", ") || "none"}`);
  if (record.rdt) (await import("./limits/intel-rdt.ts")).leaveRdt(record.rdt);
  store.remove(id);
  try {
    await runHooks(host, "poststop", record.spec.hooks?.poststop, stateDocument(record, "stopped"));
  } catch (error) {
    host.warn((error as Error).message);
  }
}

const SIGKILL = 9;
/**
 * The first process of a pid namespace ends after all others are waited for; one that `exec` left behind is waited for
 * by the host's own first process, which may take its time.
 */
const endMs = 10_000;
const longestPauseMs = 100;

/** Kills every process and waits until the first one is gone; its zombie is its parent's affair. */
async function endAll(host: Host, record: Record, cgroup: CgroupManager): Promise<void> {
  const end = performance.now() + endMs;
  for (let wait = 1; performance.now() < end; wait = Math.min(2 * wait, longestPauseMs)) {
    const pids = cgroup.pids();
    if (pids.length === 0 && !isAlive(record)) return;
    if (pids.length > 0 && !cgroup.killAll()) for (const pid of pids) killQuietly(pid);
    // Without cgroups the other processes are unknown; in a pid namespace they end with the first one.
    if (pids.length === 0) signalFirst(host, record, SIGKILL);
    if (pids.length > 0 && cgroup.isFrozen()) await cgroup.freeze(false);
    await delay(wait);
  }
  throw new Error(`container ${record.id} cannot be deleted: its processes do not end`);
}
