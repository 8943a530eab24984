import type { Resources, Spec } from "@gantry/oci-spec/runtime";
import type { Systemd } from "../../cgroup/systemd/bus.ts";
import type { ScopeUnit } from "../../cgroup/systemd/scope.ts";
import type { CgroupManager, CgroupPaths } from "../../cgroup/types.ts";
import type { Host } from "../../host.ts";
import type { Record } from "../../state/store.ts";

/** A scope of systemd's that a container is to be in. */
export interface Scope {
  readonly systemd: Systemd;
  readonly unit: ScopeUnit;
  readonly paths: CgroupPaths;
}

/** Where the new container's scope will be; undefined where this program makes cgroups itself. @throws PlanError, Error */
export async function plannedScope(host: Host, spec: Spec, id: string): Promise<Scope | undefined> {
  if (!host.systemdCgroup) return undefined;
  const user = !host.facts.privileged;
  const { unitPlace } = await import("../../cgroup/systemd/names.ts");
  const place = unitPlace(spec.linux?.cgroupsPath, id, user);
  const systemd = await connect(user);
  const { scopePaths } = await import("../../cgroup/systemd/scope.ts");
  return { systemd, unit: { ...place, user }, paths: scopePaths(host.facts, systemd, place) };
}

interface Entering {
  readonly host: Host;
  readonly record: Record;
  readonly cgroup: CgroupManager;
  readonly scope: Scope;
  /** The helper, which waits for its plan. */
  readonly pid: number;
  readonly resources: Resources;
}

/** Makes the scope around the helper. Limits without a property of systemd are written to the cgroup directly. */
export async function enterScope({ host, record, cgroup, scope, pid, resources }: Entering): Promise<void> {
  const { scopeKeepsDevices, startScope } = await import("../../cgroup/systemd/scope.ts");
  await startScope(scope.systemd, {
    facts: host.facts,
    place: scope.unit,
    id: record.id,
    pid,
    resources,
    annotations: record.spec.annotations ?? {},
  });
  cgroup.create();
  const { devices, ...limits } = resources;
  await cgroup.apply(devices && !scopeKeepsDevices(resources) ? resources : limits, host);
}

/** Stops the scope that a record names, if any. */
export async function endScope(unit: ScopeUnit | undefined): Promise<void> {
  await withSystemd(unit, (systemd, { unit: name }) => systemd.stopUnit(name));
}

/** Updates the limits of a container's scope in systemd. */
export async function updateScopeOf(host: Host, unit: ScopeUnit | undefined, resources: Resources): Promise<void> {
  await withSystemd(unit, async (systemd, place) => {
    const { updateScope } = await import("../../cgroup/systemd/scope.ts");
    await updateScope(systemd, host.facts, place, resources);
  });
}

async function withSystemd(
  unit: ScopeUnit | undefined,
  work: (systemd: Systemd, unit: ScopeUnit) => Promise<void>,
): Promise<void> {
  if (!unit) return;
  const systemd = await connect(unit.user);
  try {
    await work(systemd, unit);
  } finally {
    systemd.close();
  }
}

async function connect(user: boolean): Promise<Systemd> {
  const { connectSystemd } = await import("../../cgroup/systemd/bus.ts");
  return connectSystemd(user);
}
