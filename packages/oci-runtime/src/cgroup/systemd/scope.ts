import { readFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { Resources } from "@gantry/oci-spec/runtime";
import type { Facts } from "../../facts.ts";
import { limitsV1 } from "../v1-limits.ts";
import { limitsV2 } from "../v2-limits.ts";
import { annotationProperties } from "./annotations.ts";
import type { Systemd } from "./bus.ts";
import { slicePath, type UnitPlace } from "./names.ts";
import { deviceNames, deviceProperties, limitProperties, type Property } from "./properties.ts";

/** The part of a record that identifies a scope. */
export interface ScopeUnit extends UnitPlace {
  /** It belongs to the user's own systemd. */
  readonly user: boolean;
}

/** Where the scope's directory will be, in each hierarchy. */
export function scopePaths(facts: Facts, { root }: Systemd, { slice, unit }: UnitPlace): Record<string, string> {
  const path = join(root, slicePath(slice), unit);
  return Object.fromEntries(facts.cgroup.hierarchies.map(({ name, mountpoint }) => [name, join(mountpoint, path)]));
}

export interface ScopeRequest {
  readonly facts: Facts;
  readonly place: UnitPlace;
  readonly id: string;
  /** The process around which the scope is made. */
  readonly pid: number;
  readonly resources: Resources;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Makes a scope with the limits that systemd knows; the rest is for the cgroup's files. */
export async function startScope(systemd: Systemd, request: ScopeRequest): Promise<void> {
  const { facts, place, id, pid, resources, annotations } = request;
  const devices = deviceProperties(resources.devices ?? [], deviceNames(readFileSync("/proc/devices", "utf8"))) ?? [
    // Rules that systemd cannot express are enforced here, and must not be overridden by it.
    ["DevicePolicy", "s", "auto"],
  ];
  const accounting = ["MemoryAccounting", "CPUAccounting", "TasksAccounting"];
  accounting.push(facts.cgroup.mode === "v2" ? "IOAccounting" : "BlockIOAccounting");
  await systemd.startScope(place.unit, [
    ["Description", "s", `container ${id}`],
    ["Slice", "s", place.slice],
    // Processes of the container may create cgroups below.
    ["Delegate", "b", true],
    ["PIDs", "au", [pid]],
    ["DefaultDependencies", "b", false],
    ...accounting.map((name): Property => [name, "b", true]),
    ...devices,
    ...knownLimits(facts, systemd, resources),
    ...annotationProperties(annotations),
  ]);
}

/** Updates the scope's limits in systemd. */
export async function updateScope(
  systemd: Systemd,
  facts: Facts,
  { unit }: UnitPlace,
  resources: Resources,
): Promise<void> {
  const properties = knownLimits(facts, systemd, resources);
  if (properties.length > 0) await systemd.setProperties(unit, properties);
}

function knownLimits(facts: Facts, { version }: Systemd, resources: Resources): Property[] {
  const present = { cpuMax: "max 100000", burst: 0, memory: undefined };
  const { devices: _, ...rest } = resources;
  // Warnings are for those who write the files.
  const limits = facts.cgroup.mode === "v2" ? limitsV2(rest, present, ignore) : limitsV1(rest, ignore);
  return limitProperties(limits, version);
}

function ignore(): void {}

/** True where systemd puts the device rules into force by itself. */
export function scopeKeepsDevices(resources: Resources): boolean {
  return deviceProperties(resources.devices ?? [], deviceNames(readFileSync("/proc/devices", "utf8"))) !== undefined;
}
