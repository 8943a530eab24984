import type { Resources, State } from "@gantry/oci-spec/runtime";
import { SpecError, validateResources, withoutNulls } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../cgroup/manager.ts";
import { hasNone } from "../cgroup/none.ts";
import type { Host } from "../host.ts";
import { demand, stateDocument, statusOf } from "../state/lifecycle.ts";
import type { Record, Store } from "../state/store.ts";
import { updateScopeOf } from "./scope.ts";

/** The state document as `state` prints it: runtime-spec's, with what callers of runc look for beside it. */
export type PrintedState = State & { rootfs: string; created: string; owner: string };

/** @throws ContainerError NotFound */
export function containerState(host: Host, store: Store, id: string): PrintedState {
  return stateOf(host, store, store.load(id));
}

function stateOf(host: Host, store: Store, record: Record): PrintedState {
  const { rootfs, created, owner } = record;
  return { ...stateDocument(record, statusOf(store, record, host.facts)), rootfs, created, owner };
}

/** Every container below the root directory, oldest name first. */
export function listStates(host: Host, store: Store): PrintedState[] {
  return store.list().map((record) => stateOf(host, store, record));
}

/** Ids on the host of every process. @throws ContainerError */
export function containerPids(host: Host, store: Store, id: string): number[] {
  const record = store.load(id);
  demand("ps", statusOf(store, record, host.facts), id);
  if (hasNone(record.cgroups)) return [record.pid];
  return cgroupManager(host.facts, record.cgroups).pids();
}

/** The data of `events --stats`. @throws ContainerError */
export function containerStats(host: Host, store: Store, id: string): globalThis.Record<string, unknown> {
  const record = store.load(id);
  demand("stats", statusOf(store, record, host.facts), id);
  return cgroupManager(host.facts, record.cgroups).stats();
}

/** Changes limits; those that are not named stay. @throws ContainerError, SpecError, Error naming the limit */
export async function updateContainer(
  host: Host,
  store: Store,
  request: { id: string; resources: unknown },
): Promise<void> {
  const resources = withoutNulls(request.resources);
  const problems = validateResources(resources);
  if (problems.length > 0) throw new SpecError("invalid resources", problems);
  const record = store.load(request.id);
  demand("update", statusOf(store, record, host.facts), request.id);
  // What devices a container may use is decided when it is made.
  const { devices: _, ...limits } = resources as Resources;
  await updateScopeOf(host, record.scope, limits);
  cgroupManager(host.facts, record.cgroups).apply(limits, host);
  const merged = mergeResources(record.spec.linux?.resources ?? {}, limits);
  store.save({ ...record, spec: { ...record.spec, linux: { ...record.spec.linux, resources: merged } } });
}

function mergeResources(old: Resources, change: Resources): Resources {
  return {
    ...old,
    ...change,
    memory: { ...old.memory, ...change.memory },
    cpu: { ...old.cpu, ...change.cpu },
    blockIO: { ...old.blockIO, ...change.blockIO },
  };
}
