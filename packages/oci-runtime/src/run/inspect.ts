import { readFileSync } from "node:fs";
import { userOfId } from "@gantry/oci-spec/accounts";
import type { State } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../cgroup/manager.ts";
import { hasNone } from "../cgroup/none.ts";
import type { Host } from "../host.ts";
import { demand, isAlive, stateDocument, statusOf } from "../state/lifecycle.ts";
import type { Record, Store } from "../state/store.ts";
import { ready } from "./launch/ready.ts";

/** The state document as `state` prints it: runtime-spec's, with the further fields of runc's. */
export type PrintedState = State & { rootfs: string; created: string; owner: string };

/** @throws ContainerError NotFound */
export function containerState(host: Host, store: Store, id: string): PrintedState {
  return stateOf(host, store, store.load(id));
}

function stateOf(host: Host, store: Store, record: Record): PrintedState {
  const { rootfs, created, owner } = record;
  return { ...stateDocument(record, statusOf(store, record, host.facts)), rootfs, created, owner: userName(owner) };
}

/** The name of a user, by /etc/passwd; "#ID" for one without an entry there. */
function userName(id: string): string {
  if (id === "0") return "root";
  try {
    return userOfId(Number(id), readFileSync("/etc/passwd"))?.name ?? `#${id}`;
  } catch {
    return `#${id}`;
  }
}

/** Every container below the root directory, in the order of their ids. */
export function listStates(host: Host, store: Store): PrintedState[] {
  return store.list().map((record) => stateOf(host, store, record));
}

/** Ids on the host of every process; none of a container that has stopped. @throws ContainerError NotFound */
export function containerPids(host: Host, store: Store, id: string): number[] {
  const record = store.load(id);
  if (!isAlive(record) && hasNone(record.cgroups)) return [];
  if (hasNone(record.cgroups)) return [record.pid];
  return cgroupManager(host.facts, record.cgroups).pids();
}

/** The data of `events --stats`. @throws ContainerError */
export async function containerStats(
  host: Host,
  store: Store,
  id: string,
): Promise<globalThis.Record<string, unknown>> {
  const record = store.load(id);
  demand("stats", statusOf(store, record, host.facts), id);
  return cgroupManager(host.facts, record.cgroups).stats();
}

/** Waits until a container's first process has ended. @throws ContainerError */
export async function containerEnd(host: Host, store: Store, id: string): Promise<void> {
  const { native, facts } = host;
  const record = store.load(id);
  demand("stats", statusOf(store, record, facts), id);
  const process = native.pidfdOpen(record.pid);
  try {
    if (!isAlive(record)) return;
    await ready(host, process);
  } finally {
    native.closeFd(process);
  }
}
