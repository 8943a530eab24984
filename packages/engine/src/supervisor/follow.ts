import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import type { Log } from "../base/log.ts";
import type { Supervisor } from "./link.ts";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 5000;

export interface Follower {
  /** Called for each event, in order. */
  readonly onEvent: (event: SupervisorEvent) => void;
  /**
   * Called once events flow, before the first of them is handled: at the start, and after each loss. After a loss a
   * failure is retried until it succeeds or the connection is lost again.
   */
  readonly onConnected: (first: boolean) => Promise<void>;
  /** Resolves when another attempt to connect makes sense. */
  readonly available: () => Promise<void>;
  readonly log: Log;
}

/**
 * Listens to the supervisor's events until the signal. Events are hints: those that were missed between two connections
 * are for `onConnected` to make up for.
 * @returns once the first connection is made and `onConnected` has succeeded
 */
export async function followSupervisor(supervisor: Supervisor, follower: Follower, signal: AbortSignal): Promise<void> {
  const first = listen(supervisor, follower, () => follower.onConnected(true), signal);
  await first.connected;
  void followAgain(supervisor, follower, first.ended, signal);
}

async function followAgain(
  supervisor: Supervisor,
  follower: Follower,
  first: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let ended = first; ; ) {
    await ended.catch((error: unknown) => {
      if (!signal.aborted) follower.log.warn({ error: messageOf(error) }, "the supervisor's events have stopped");
    });
    if (!(await retry(follower.available, signal, logFailure(follower, "waiting for the supervisor")))) return;
    const lost = new AbortController();
    const next = listen(supervisor, follower, () => follower.onConnected(false), signal);
    ended = next.ended.finally(() => lost.abort());
    // The first attempt comes before the events; the next ones beside them.
    next.connected.catch((error: unknown) => {
      const report = logFailure(follower, "reading the supervisor's state");
      report(error);
      void retry(() => follower.onConnected(false), AbortSignal.any([signal, lost.signal]), report);
    });
  }
}

function logFailure({ log }: Follower, action: string): (error: unknown) => void {
  return (error) => log.error({ error: messageOf(error) }, action);
}

/**
 * Repeats a step with growing pauses until it succeeds or the signal comes.
 * @returns whether it succeeded
 */
async function retry(
  step: () => Promise<void>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<boolean> {
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      await step();
      return !signal.aborted;
    } catch (error) {
      if (!signal.aborted) onError(error);
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
  return false;
}

function listen(supervisor: Supervisor, follower: Follower, onConnected: () => Promise<void>, signal: AbortSignal) {
  // The subscription is sent before any request, so no event can be missed between the two.
  const stream = supervisor.open("events.subscribe", {}, { signal });
  const connected = onConnected();
  const ended = (async () => {
    await connected.catch(() => {});
    for await (const { value } of stream.items) follower.onEvent(value);
    await stream.result;
  })();
  stream.result.catch(() => {});
  ended.catch(() => {});
  return { connected, ended };
}
