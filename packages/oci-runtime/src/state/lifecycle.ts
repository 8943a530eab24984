import { existsSync, readFileSync } from "node:fs";
import type { State, Status } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../cgroup/manager.ts";
import type { Facts } from "../facts.ts";
import { ContainerError, type Record, type Store } from "./store.ts";

export type FullStatus = Status | "paused";
export type Verb = "start" | "kill" | "delete" | "exec" | "pause" | "resume" | "update" | "checkpoint" | "stats";

/** Which command a container in which state allows. */
const allowed: Readonly<globalThis.Record<Verb, readonly FullStatus[]>> = {
  start: ["created"],
  kill: ["created", "running", "paused"],
  delete: ["created", "stopped"],
  exec: ["created", "running"],
  pause: ["running", "created"],
  resume: ["paused"],
  checkpoint: ["running", "paused"],
  update: ["created", "running", "paused"],
  stats: ["created", "running", "paused"],
};

/** @throws ContainerError FailedPrecondition, with runc's message */
export function demand(verb: Verb, status: FullStatus, id: string): void {
  if (allowed[verb].includes(status)) return;
  throw new ContainerError("FailedPrecondition", refusal(verb, status, id));
}

function refusal(verb: Verb, status: FullStatus, id: string): string {
  if (verb === "start" && status === "stopped") return "cannot start a container that has stopped";
  if (verb === "start" && status === "running") return "cannot start an already running container";
  if (verb === "start") return `cannot start a container in the ${status} state: ${id}`;
  if (verb === "delete") return `cannot delete container ${id} that is not stopped: ${status}`;
  if (verb === "checkpoint") return `container cannot be checkpointed: ${id} is ${status}`;
  if (verb === "kill" || verb === "pause" || verb === "update" || verb === "stats")
    return `container not running: ${id} is ${status}`;
  if (verb === "exec" && status === "paused")
    return `cannot exec in a paused container: ${id} (use --ignore-paused to override)`;
  if (verb === "exec") return `cannot exec in a ${status} container: ${id}`;
  if (verb === "resume") return `container not paused: ${id} is ${status}`;
  return `cannot ${verb} container ${id}: it is ${status}`;
}

/** Found out of the kernel each time: nothing that could be out of date is kept. */
export function statusOf(store: Store, record: Record, facts: Facts): FullStatus {
  if (record.pid === 0) return "creating";
  if (!isAlive(record)) return "stopped";
  if (cgroupManager(facts, record.cgroups).isFrozen()) return "paused";
  return existsSync(store.startPipe(record.id)) ? "created" : "running";
}

/** True while the container's first process exists, with the start time of the recorded one. */
export function isAlive({ pid, startTime }: Pick<Record, "pid" | "startTime">): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.state !== "Z" && stat.state !== "X" && stat.startTime === startTime;
}

export interface ProcessStat {
  readonly state: string;
  readonly startTime: string;
}

/** From /proc/PID/stat; the name in brackets may hold anything, so fields are counted from its end. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
}

/** The document of runtime-spec runtime.md "State". */
export function stateDocument(record: Record, status: FullStatus): State {
  return {
    ociVersion: "1.3.0",
    id: record.id,
    pid: status === "stopped" ? 0 : record.pid,
    status,
    bundle: record.bundle,
    ...(record.spec.annotations ? { annotations: record.spec.annotations } : {}),
  };
}
