import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { IntelRdt } from "@gantry/oci-spec/runtime";

/** A container's groups in the resctrl file system (runtime-spec config-linux.md "IntelRdt"). */
export interface RdtGroup {
  /** Its class of service, a directory. */
  readonly group: string;
  /** The directories that go with the container, the inner one first. */
  readonly owned: readonly string[];
}

/**
 * Finds or makes the container's class of service and monitoring group, and puts a process there.
 * @param mountpoint of resctrl
 * @throws Error naming the field; nothing is left behind then
 */
export function joinRdt(mountpoint: string, rdt: IntelRdt, who: { id: string; pid: number }): RdtGroup {
  const group = groupOf(mountpoint, rdt, who.id);
  const lines = schemata(rdt);
  const made = makeGroup(group, rdt, lines);
  const owned = made && rdt.closID === undefined ? [group] : [];
  try {
    if (lines.length > 0 && made) write(join(group, "schemata"), lines, "linux.intelRdt.schemata");
    write(join(group, "tasks"), [String(who.pid)], "linux.intelRdt.closID");
    if (!rdt.enableMonitoring) return { group, owned };
    const monitor = join(group, "mon_groups", who.id);
    make(monitor, "linux.intelRdt.enableMonitoring");
    owned.unshift(monitor);
    write(join(monitor, "tasks"), [String(who.pid)], "linux.intelRdt.enableMonitoring");
    return { group, owned };
  } catch (error) {
    leaveRdt([...owned, ...(made && rdt.closID !== undefined ? [group] : [])]);
    throw error;
  }
}

/** Changes the limits of the container's class. @throws Error naming the field */
export function writeSchemata(mountpoint: string, rdt: IntelRdt, id: string): void {
  write(join(groupOf(mountpoint, rdt, id), "schemata"), schemata(rdt), "linux.intelRdt.schemata");
}

function groupOf(mountpoint: string, { closID }: IntelRdt, id: string): string {
  return closID === "/" ? mountpoint : join(mountpoint, closID ?? id);
}

/** Removes the directories that are the container's own. */
export function leaveRdt(owned: readonly string[]): void {
  for (const path of owned)
    try {
      rmdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
}

/** The lines for the kernel, in the order that the specification demands. */
function schemata({ l3CacheSchema, memBwSchema, schemata: rest = [] }: IntelRdt): string[] {
  return [l3CacheSchema, memBwSchema, ...rest].filter((line) => line !== undefined && line !== "") as string[];
}

/** True when the group did not exist. An existing one must have the configured schemata. */
function makeGroup(group: string, { closID }: IntelRdt, lines: readonly string[]): boolean {
  if (!existsSync(group)) {
    if (closID !== undefined && lines.length === 0)
      throw new Error(`linux.intelRdt.closID: there is no class ${closID}, and no schema to make it with`);
    make(group, "linux.intelRdt.closID");
    return true;
  }
  const present = new Set(parts(readFileSync(join(group, "schemata"), "utf8").split("\n")));
  const differs = parts(lines).find((part) => !present.has(part));
  if (closID !== undefined && differs !== undefined)
    throw new Error(`linux.intelRdt.closID: the class ${closID} is there with other schemata: it lacks ${differs}`);
  return false;
}

/** "L3:0=7f0;1=1f" as "L3:0=7f0" and "L3:1=1f", without leading zeros: the kernel writes them in a form of its own. */
function parts(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [resource = "", values = ""] = line.trim().split(":");
    return values
      .split(";")
      .filter((value) => value !== "")
      .map((value) => `${resource.trim()}:${value.trim().replace(/=\s*0*(?=.)/, "=")}`);
  });
}

function make(path: string, field: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    throw new Error(`${field}: making ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function write(path: string, lines: readonly string[], field: string): void {
  try {
    writeFileSync(path, `${lines.join("\n")}\n`);
  } catch (error) {
    throw new Error(`${field}: writing ${JSON.stringify(lines.join(" "))} to ${path}: ${(error as Error).message}`);
  }
}
