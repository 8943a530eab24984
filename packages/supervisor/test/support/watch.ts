import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import { waitFor } from "@gantry/testkit";
import { namespace } from "./container.ts";
import { mountsBelow, type Stack } from "./stack.ts";

export const ofTask = (containerId: string) => ({ namespace, containerId });
export const stdio = { terminal: false, stdin: false };

/** All events from a sequence number up to a given one. */
export async function eventsUntil(
  stack: Stack,
  from: number,
  isLast: (event: SupervisorEvent) => boolean,
): Promise<SupervisorEvent[]> {
  const stream = stack.client.open("events.subscribe", { namespace, from });
  stream.result.catch(() => {});
  const events: SupervisorEvent[] = [];
  for await (const { value } of stream.items) {
    events.push(value);
    if (isLast(value)) break;
  }
  stream.cancel();
  return events;
}

/** A zombie, which only its new parent has not taken notice of yet, is dead. */
export const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

/** The shim of a container's first process: the parent of the keeper that is its parent. */
export const shimOf = (pid: number) => parentOf(parentOf(pid));

/** Kills a container's shim, and the keeper from which another shim could go on. */
export function killShimAndKeeper(pid: number): void {
  const [keeper, shim] = [parentOf(pid), shimOf(pid)];
  process.kill(shim, "SIGSTOP"); // or it would report the keeper's death
  process.kill(keeper, "SIGKILL");
  process.kill(shim, "SIGKILL");
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Waits until nothing of any container is left in the state directory. */
export async function nothingLeft(stack: Stack): Promise<void> {
  const root = join(stack.state, "tasks");
  const isEmpty = () => readdirSync(root).every((name) => readdirSync(join(root, name)).length === 0);
  await waitFor(() => isEmpty() && mountsBelow(stack.state).length === 0, {
    what: "an empty state directory",
    timeoutMs: 15_000,
  });
}
