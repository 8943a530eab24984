import type { ContainerCgroup } from "./cgroup/container-cgroup.ts";
import type { ContainerEvents } from "./container-events.ts";
import { openStdio, type ShimContext, type ShimEvent } from "./context.ts";
import type { AddedExec, Past } from "./journal.ts";
import type { Execs } from "./process/execs.ts";
import { type Exits, lostStatus } from "./process/exits.ts";
import { type Inherited, inherit } from "./process/inherited.ts";
import { ContainerProcess, type Exit } from "./process/process.ts";
import type { OciRuntime } from "./runtime/runtime.ts";

/** The parts of a container whose shim was killed, as another shim has made them anew. */
export interface AdoptionParts {
  readonly context: ShimContext;
  readonly runtime: OciRuntime;
  readonly init: ContainerProcess;
  readonly execs: Execs;
  readonly exits: Exits;
  readonly events: ContainerEvents;
  readonly cgroup: ContainerCgroup;
}

/** The state of the container after its adoption. */
export interface Adopted {
  /** Execs that were ever added. */
  readonly execCount: number;
  readonly isPaused: boolean;
  readonly isDeleted: boolean;
}

/** The journal's record of one process. */
interface History {
  readonly pid: number | undefined;
  readonly isStarted: boolean;
  readonly exit: Exit | undefined;
}

/**
 * Takes a container over: its processes live on in the keeper. Events that the earlier shim had not published are
 * published now.
 * @param inherited descriptors of the first process
 */
export async function adopt(parts: AdoptionParts, { execs, events }: Past, inherited: Inherited): Promise<Adopted> {
  await adoptProcess(parts, parts.init, inherited, historyOf(events, undefined));
  for (const exec of execs) await adoptExec(parts, exec, historyOf(events, exec.execId));
  const execCount = Math.max(0, ...execs.map(({ label }) => Number(label)));
  return { execCount, ...(await catchUp(parts, events)) };
}

/** Takes over a process, in the stage in which the earlier shim left it. */
async function adoptProcess(
  { context, exits, events, cgroup }: AdoptionParts,
  target: ContainerProcess,
  inherited: Inherited,
  history: History,
): Promise<void> {
  const { kept, sys } = context;
  const known = kept.found.processes.find(({ name }) => name === target.name);
  target.pid = history.pid ?? known?.pid ?? 0;
  if (history.exit) {
    target.reaped = true;
    await target.stdio.adopt(inherited);
    target.end(history.exit);
    await kept.acknowledge(target.name);
    return;
  }
  target.stage = history.isStarted ? "running" : "created";
  await target.stdio.adopt(inherited);
  if (known) kept.watch(target.name, (exit) => exits.report(target, exit));
  else if (target.pid > 0) exits.report(target, { exitStatus: lostStatus, reason: "its shim died" });
  if (target.execId === undefined && !known?.exit) cgroup.watch(sys, target.pid, () => events.publish("oom"));
}

async function adoptExec(parts: AdoptionParts, added: AddedExec, history: History): Promise<void> {
  const { context, execs, events } = parts;
  const { execId, label, process, stdio: options } = added;
  const { kept, prefix, sys } = context;
  const inherited = await inherit(context, label);
  const exists = history.exit || history.isStarted || kept.found.processes.some(({ name }) => name === prefix + label);
  const stdio = openStdio(context, options, label, exists ? inherited : undefined);
  const exec = new ContainerProcess(stdio, { id: execId, document: process });
  execs.add(exec);
  if (!exists) {
    // Its start did not come to a process: it can be started again.
    for (const fd of inherited.values()) sys.closeFd(fd);
    await kept.drop(...[...inherited.keys()].map((name) => `${exec.name}.${name}`));
    return;
  }
  // The earlier shim was killed between the start and its event.
  const isLate = !history.isStarted && !history.exit;
  await adoptProcess(parts, exec, inherited, isLate ? { ...history, isStarted: true } : history);
  if (isLate) events.publish("exec-started", exec);
}

/** Publishes what has happened to the container without an event. */
async function catchUp(
  { init, runtime, events }: AdoptionParts,
  published: readonly ShimEvent[],
): Promise<Pick<Adopted, "isPaused" | "isDeleted">> {
  const isDeleted = published.some(({ topic }) => topic === "delete");
  if (isDeleted || init.exited || init.pid === 0) return { isDeleted, isPaused: false };
  const wasPaused = published.findLast(({ topic }) => topic === "paused" || topic === "resumed")?.topic === "paused";
  // A container that the runtime does not know any more has ended: its exit follows.
  const status = await runtime.status().catch(() => "stopped");
  if (init.stage === "created" && (status === "running" || status === "paused")) {
    init.stage = "running";
    events.publish("start", init);
  }
  const isPaused = status === "paused";
  if (isPaused !== wasPaused && init.stage === "running") events.publish(isPaused ? "paused" : "resumed");
  return { isDeleted, isPaused };
}

function historyOf(events: readonly ShimEvent[], execId: string | undefined): History {
  const own = events.filter((event) => event.execId === execId);
  const exit = own.find(({ topic }) => topic === "exit");
  return {
    pid: own.findLast(({ pid }) => pid !== undefined)?.pid,
    isStarted: own.some(({ topic }) => topic === "start" || topic === "exec-started"),
    exit: exit && {
      exitStatus: exit.exitStatus ?? lostStatus,
      exitedAt: exit.time,
      ...(exit.reason === undefined ? {} : { reason: exit.reason }),
    },
  };
}
