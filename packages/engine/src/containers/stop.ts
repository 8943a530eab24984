import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import { signalNumber } from "@gantry/native-sys";
import { conflict, internal, invalid } from "../base/errors.ts";
import type { Container } from "./container.ts";
import { containerEvent } from "./events.ts";
import { handleExit } from "./exit.ts";
import { cancelRestart } from "./restart.ts";
import type { World } from "./world.ts";

const SIGKILL = 9;
const DEFAULT_TIMEOUT_S = 10;
/** How long a process that got SIGKILL may take to be gone. */
const KILL_WAIT_MS = 30_000;

export interface StopOptions {
  readonly signal?: string | undefined;
  /** Seconds; -1: never kill. */
  readonly timeout?: number | undefined;
}

/** The number of a signal by name or number. @throws RpcError InvalidArgument in Docker's words */
export function parseSignal(text: string): number {
  const number = signalNumber(text);
  if (number === undefined) throw invalid(`Invalid signal: ${text}`);
  return number;
}

/** Asks a container to end, and ends it when it does not. Returns once it has ended and given back what it used. */
export async function stopContainer(world: World, container: Container, options: StopOptions): Promise<void> {
  const { config, state } = container.document;
  const signal = parseSignal(options.signal || config.StopSignal || "SIGTERM");
  const timeout = options.timeout ?? config.StopTimeout ?? DEFAULT_TIMEOUT_S;
  await container.settled();
  container.document.stoppedOnRequest = true;
  if (state.Restarting) {
    cancelRestart(world, container);
    containerEvent(world, container, "stop");
    return;
  }
  if (!container.alive) return;
  const ended = container.exited.promise;
  if (state.Paused) await world.supervisor.call("tasks.resume", { containerId: container.id }).catch(() => {});
  await sendSignal(world, container, signal);
  const inTime = timeout < 0 ? await ended.then(() => true) : await within(ended, timeout * 1000);
  if (!inTime) await killAndWait(world, container);
  await settled(container);
  containerEvent(world, container, "stop");
}

/** Ends a container at once and waits until all that it used is given back. */
export async function killAndWait(world: World, container: Container): Promise<void> {
  const ended = container.exited.promise;
  container.document.stoppedOnRequest = true;
  if (!container.alive) return settled(container);
  await sendSignal(world, container, SIGKILL);
  askForEnd(world, container);
  if (!(await within(ended, KILL_WAIT_MS))) {
    throw internal(
      `cannot stop container: ${container.id}: tried to kill container, but did not receive an exit event`,
    );
  }
  await settled(container);
}

/** What the supervisor cannot write down, as on a full disk, it does not tell as an event; but it answers. */
function askForEnd(world: World, container: Container): void {
  const { id, run } = container;
  world.supervisor.call("tasks.wait", { containerId: id }, { timeoutMs: KILL_WAIT_MS }).then(
    (exit) =>
      handleExit(world, container, { ...exit, run }).catch((error: unknown) => {
        world.log.warn({ id, error: messageOf(error) }, "working off the end of a container");
      }),
    () => {}, // the event tells
  );
}

/** Waits for what runs under the container's lock. */
function settled(container: Container): Promise<void> {
  return container.lock.run(async () => {});
}

async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false);
  const done = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return done;
}

/** `docker kill`: sends a signal to the first process. @throws RpcError FailedPrecondition when it does not run */
export async function killContainer(world: World, container: Container, signalText: string): Promise<void> {
  const signal = parseSignal(signalText || "SIGKILL");
  await container.settled();
  if (!container.alive) {
    throw conflict(`cannot kill container: ${container.document.name}: container ${container.id} is not running`);
  }
  // A container that is killed on purpose stays down; other signals may just be meant to be handled.
  const stops = signal === SIGKILL || signal === parseSignal(container.document.config.StopSignal || "SIGTERM");
  if (stops) container.document.stoppedOnRequest = true;
  await sendSignal(world, container, signal);
}

/** A process that has just ended needs no signal any more. */
async function sendSignal(world: World, container: Container, signal: number): Promise<void> {
  const request = { containerId: container.id, signal };
  // Told first: the end that follows may be known before the answer.
  containerEvent(world, container, "kill", { signal: String(signal) });
  await world.supervisor.call("tasks.kill", request).catch((error: unknown) => {
    if (!isRpcError(error, "NotFound") && !isRpcError(error, "FailedPrecondition")) throw error;
  });
}
