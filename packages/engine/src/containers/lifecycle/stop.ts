import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@gantry/common/clock";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import { signalNumber } from "@gantry/native-sys";
import { internal, invalid } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Tasks } from "../../supervisor/tasks.ts";
import type { EventHub } from "../../system/event-hub.ts";
import type { Container } from "../container.ts";
import type { EndReason, StopRequest } from "../document.ts";
import { containerEvent } from "../events.ts";
import type { Registry } from "../registry.ts";
import type { Exits } from "./exits.ts";
import type { Run } from "./lifecycle.ts";
import { cancelRestart } from "./restart-policy.ts";
import { admit } from "./table.ts";

const SIGKILL = 9;
const DEFAULT_TIMEOUT_S = 10;
/** How long a process that got SIGKILL may take to end. */
const KILL_WAIT_MS = 30_000;

export interface StopDeps {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly tasks: Tasks;
  readonly exits: Exits;
  readonly events: EventHub;
  readonly log: Log;
}

export interface StopOptions {
  readonly signal?: string | undefined;
  /** Seconds; -1: never kill. */
  readonly timeout?: number | undefined;
}

/** The number of a signal by name or number. @throws RpcError InvalidArgument with Docker's message */
export function parseSignal(text: string): number {
  const number = signalNumber(text);
  if (number === undefined) throw invalid(`Invalid signal: ${text}`);
  return number;
}

/**
 * Asks a container to end, and kills it when it does not. Returns once it has ended and its resources are released.
 * @param reason saved before the signal, so that a later engine decides by it, too, what follows the exit
 */
export async function stopContainer(
  deps: StopDeps,
  container: Container,
  options: StopOptions,
  reason: EndReason = "stop",
): Promise<void> {
  const { config } = container.document;
  const signal = parseSignal(options.signal || config.StopSignal || "SIGTERM");
  const timeout = options.timeout ?? config.StopTimeout ?? DEFAULT_TIMEOUT_S;
  const request = await requestEnd(deps, container, { verb: "stop", reason, signal, options });
  if (request === "not running") return;
  if (request !== "restarting") {
    const inTime = await endsWithin(request, timeout < 0 ? undefined : timeout * 1000);
    if (!inTime) await killAndWait(deps, container, request);
    await container.lifecycle.settled();
  }
  containerEvent(deps, container, "stop");
}

/** `docker kill`: sends a signal to the first process. @throws RpcError FailedPrecondition when it does not run */
export async function killContainer(deps: StopDeps, container: Container, signalText: string): Promise<void> {
  const signal = parseSignal(signalText || "SIGKILL");
  // Other signals may be meant for the program to handle: they do not say that it is to stay down.
  const ends = signal === SIGKILL || signal === parseSignal(container.document.config.StopSignal || "SIGTERM");
  await requestEnd(deps, container, { verb: "kill", reason: ends ? "kill" : undefined, signal });
}

/** Kills a run and waits until it has ended. @throws RpcError Internal when it does not end */
export async function killAndWait(deps: StopDeps, container: Container, run: Run): Promise<void> {
  await container.lifecycle.exclusive(async () => {
    if (container.lifecycle.run === run) await sendSignal(deps, container, SIGKILL, true);
  });
  pollExit(deps, container, run);
  if (!(await endsWithin(run, KILL_WAIT_MS))) {
    throw internal(
      `cannot stop container: ${container.id}: tried to kill container, but did not receive an exit event`,
    );
  }
}

interface EndRequest {
  readonly verb: "stop" | "kill";
  /** undefined: the signal does not end it. */
  readonly reason: EndReason | undefined;
  readonly signal: number;
  /** For a later engine. */
  readonly options?: StopOptions;
}

/** @returns the run that is to end */
function requestEnd(
  deps: StopDeps,
  container: Container,
  { verb, reason, signal, options }: EndRequest,
): Promise<Run | "restarting" | "not running"> {
  return container.lifecycle.exclusive(async () => {
    if (admit(verb, container) === "skip") return "not running";
    const stopRequest = options && { ...options, since: deps.clock.now() };
    const undo = reason === undefined ? () => {} : saveReason(deps.registry, container, { reason, stopRequest });
    if (container.document.state.Restarting) {
      if (reason !== undefined) cancelRestart(deps.registry, container);
      return "restarting";
    }
    const { run } = container.lifecycle;
    try {
      await sendSignal(deps, container, signal, reason !== undefined);
    } catch (error) {
      undo();
      throw error;
    }
    return run;
  });
}

/** @returns a function that takes the reason back, for a signal that could not be sent */
function saveReason(
  registry: Registry,
  container: Container,
  { reason, stopRequest }: { reason: EndReason; stopRequest: StopRequest | undefined },
): () => void {
  const { document } = container;
  const { endReason, stoppedOnRequest } = document;
  const before = { endReason, stoppedOnRequest, stopRequest: document.stopRequest };
  const isOwnStop = endReason === "stop" || endReason === "kill";
  registry.update(container, {
    // An engine that shuts down does not change what a user has requested before.
    endReason: reason === "shutdown" && isOwnStop ? endReason : reason,
    stopRequest: reason === "shutdown" ? document.stopRequest : stopRequest,
    stoppedOnRequest: stoppedOnRequest || reason === "stop" || reason === "kill",
  });
  return () => registry.revert(container, before);
}

/** Polls for an exit that the supervisor cannot record, as on a full disk: it then emits no event, but it answers. */
function pollExit(deps: StopDeps, container: Container, run: Run): void {
  const { id } = container;
  deps.tasks.wait({ containerId: id }, { timeoutMs: KILL_WAIT_MS }).then(
    (exit) => deps.exits.reportInBackground(container, { ...exit, run }),
    (error: unknown) => deps.log.debug({ id, error: messageOf(error) }, "waiting for a killed container"),
  );
}

/** @param ms undefined: without a limit */
async function endsWithin(run: Run, ms: number | undefined): Promise<boolean> {
  if (ms === undefined) return run.exited.then(() => true);
  const timer = new AbortController();
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false);
  const ended = await Promise.race([run.exited.then(() => true), late]);
  timer.abort();
  return ended;
}

/** Sends a signal; a process that has just ended needs none. @param ends a frozen container is thawed to receive it */
async function sendSignal(deps: StopDeps, container: Container, signal: number, ends: boolean): Promise<void> {
  const { id, document } = container;
  // Emitted first: the exit that follows may be reported before the reply.
  containerEvent(deps, container, "kill", { signal: String(signal) });
  await deps.tasks.kill(id, signal).catch((error: unknown) => {
    if (!isRpcError(error, "NotFound") && !isRpcError(error, "FailedPrecondition")) throw error;
  });
  if (ends && document.state.Paused) await deps.tasks.resume(id).catch(() => {});
}
