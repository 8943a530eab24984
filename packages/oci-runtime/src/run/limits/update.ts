import { type Resources, SpecError, validateResources, withoutNulls } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../../cgroup/manager.ts";
import type { CgroupManager } from "../../cgroup/types.ts";
import type { Host } from "../../host.ts";
import { demand, statusOf } from "../../state/lifecycle.ts";
import { ContainerError, type Record, type Store } from "../../state/store.ts";
import { updateScopeOf } from "./scope.ts";

/** Shares of cache and memory bandwidth (runtime-spec config-linux.md "IntelRdt"). */
export interface RdtSchemata {
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
}

export interface UpdateRequest {
  readonly id: string;
  /** A linux.resources object; checked here. */
  readonly resources: unknown;
  readonly rdt?: RdtSchemata;
}

/**
 * Changes limits; those that are not named stay. When one of them is refused, those before it are put back.
 * @throws ContainerError, SpecError, Error naming the limit
 */
export async function updateContainer(host: Host, store: Store, request: UpdateRequest): Promise<void> {
  const resources = withoutNulls(request.resources);
  const problems = validateResources(resources);
  if (problems.length > 0) throw new SpecError("invalid resources", problems);
  const record = store.load(request.id);
  demand("update", statusOf(store, record, host.facts), request.id);
  if (Object.keys(request.rdt ?? {}).length > 0) await updateRdt(host, record, request.rdt ?? {});
  // Device rules are fixed when a container is created.
  const { devices: _, ...limits } = resources as Resources;
  const { devices: __, ...former } = record.spec.linux?.resources ?? {};
  await updateScopeOf(host, record.scope, limits);
  await applyOrPutBack(host, cgroupManager(host.facts, record.cgroups), { limits, former });
  const merged = mergeResources(record.spec.linux?.resources ?? {}, limits);
  store.save({ ...record, spec: { ...record.spec, linux: { ...record.spec.linux, resources: merged } } });
}

async function applyOrPutBack(
  host: Host,
  cgroup: CgroupManager,
  change: { limits: Resources; former: Resources },
): Promise<void> {
  try {
    await cgroup.apply(change.limits, host);
  } catch (error) {
    try {
      await cgroup.apply(change.former, host);
    } catch (second) {
      host.warn(`some limits are changed now: putting them back failed: ${(second as Error).message}`);
    }
    throw error;
  }
}

/** Changes the schemata of the container's own class. */
async function updateRdt({ facts }: Host, { id, spec }: Record, rdt: RdtSchemata): Promise<void> {
  const refuse = (why: string): never => {
    throw new ContainerError("FailedPrecondition", `Intel RDT: ${why}`);
  };
  const mountpoint = facts.resctrl ?? refuse("this machine has no resctrl file system mounted");
  const present = spec.linux?.intelRdt ?? refuse(`container ${id} was made without linux.intelRdt`);
  const { writeSchemata } = await import("./intel-rdt.ts");
  writeSchemata(mountpoint, { ...present, ...rdt, schemata: [] }, id);
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
