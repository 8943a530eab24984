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
  /** Called once events flow, before the first of them is handled: at the start, and after each loss. */
  readonly onConnected: (first: boolean) => Promise<void>;
  /** Resolves when it is worth another try. */
  readonly available: () => Promise<void>;
  readonly log: Log;
}

/**
 * Listens to the supervisor's events until the signal. What was missed in between is for `onConnected` to find out:
 * events are hints.
 * @returns once the first connection is made and worked off
 */
export async function followSupervisor(supervisor: Supervisor, follower: Follower, signal: AbortSignal): Promise<void> {
  const first = listen(supervisor, follower, true, signal);
  await first.connected;
  void again(supervisor, follower, first.ended, signal);
}

async function again(
  supervisor: Supervisor,
  follower: Follower,
  first: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let ended = first; ; ) {
    await ended.catch((error: unknown) => {
      if (!signal.aborted) follower.log.warn({ error: messageOf(error) }, "the supervisor's events have stopped");
    });
    if (signal.aborted) return;
    for (
      let pause = FIRST_PAUSE_MS;
      !(await isAvailable(follower, signal));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    ) {
      await delay(pause, undefined, { signal }).catch(() => {});
    }
    if (signal.aborted) return;
    const next = listen(supervisor, follower, false, signal);
    next.connected.catch((error: unknown) =>
      follower.log.error({ error: messageOf(error) }, "reading the supervisor's state"),
    );
    ended = next.ended;
  }
}

/** True also when there is nothing to wait for any more. */
async function isAvailable(follower: Follower, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true;
  try {
    await follower.available();
    return true;
  } catch (error) {
    if (!signal.aborted) follower.log.error({ error: messageOf(error) }, "waiting for the supervisor");
    return signal.aborted;
  }
}

function listen(supervisor: Supervisor, follower: Follower, first: boolean, signal: AbortSignal) {
  // The subscription is sent before anything is asked, so nothing can happen between the two.
  const stream = supervisor.open("events.subscribe", { from: 0 }, { signal });
  const connected = follower.onConnected(first);
  const ended = (async () => {
    await connected.catch(() => {});
    for await (const { value } of stream.items) follower.onEvent(value);
    await stream.result;
  })();
  stream.result.catch(() => {});
  ended.catch(() => {});
  return { connected, ended };
}
