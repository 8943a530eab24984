import { type ContainerDocument, type StopRequest, wasStarted } from "../document.ts";
import type { StopOptions } from "./stop.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run of this length shows that the container works: the delays start anew. */
const STEADY_MS = 10_000;

export type AfterExit =
  | { readonly kind: "remove" }
  | { readonly kind: "restart"; readonly delayMs: number }
  | { readonly kind: "stay" };

export interface EndedRun {
  readonly exitCode: number;
  /** Milliseconds from the start to the end; 0 for a start that failed. */
  readonly ranMs: number;
}

/**
 * Decides the follow-up of a run's end, by its reason and by the container's policies. The decision is the same for an
 * exit that is reported live and for an exit that a later engine finds.
 */
export function decideAfterExit(document: ContainerDocument, run: EndedRun): AfterExit {
  // The operation that asked for the end continues: it removes or starts the container.
  if (document.removal || document.endReason === "restart") return { kind: "stay" };
  if (document.hostConfig.AutoRemove) return { kind: "remove" };
  if (document.endReason !== undefined || !isRestartWanted(document, run.exitCode)) return { kind: "stay" };
  return { kind: "restart", delayMs: nextDelay(document.restartDelayMs ?? 0, run.ranMs) };
}

function isRestartWanted({ hostConfig, restartCount, stoppedOnRequest }: ContainerDocument, exitCode: number): boolean {
  const { Name = "no", MaximumRetryCount = 0 } = hostConfig.RestartPolicy ?? {};
  if (stoppedOnRequest) return false;
  if (Name === "always" || Name === "unless-stopped") return true;
  if (Name !== "on-failure" || exitCode === 0) return false;
  return MaximumRetryCount === 0 || restartCount < MaximumRetryCount;
}

/** The delay doubles with every restart in a row. */
function nextDelay(lastMs: number, ranMs: number): number {
  if (lastMs === 0 || ranMs >= STEADY_MS) return FIRST_DELAY_MS;
  return Math.min(lastMs * 2, LONGEST_DELAY_MS);
}

export type AtStartup =
  | { readonly kind: "remove"; readonly volumes: boolean }
  | { readonly kind: "restart" | "stop"; readonly options: StopOptions }
  | { readonly kind: "start" }
  | { readonly kind: "restartLater"; readonly delayMs: number }
  | { readonly kind: "stay" };

/**
 * Decides what a starting engine does with a container: it finishes a removal, restart or stop that was under way, and
 * starts containers whose restart policy asks for it.
 * @param nowMs since 1970
 */
export function decideAtStartup(document: ContainerDocument, nowMs: number): AtStartup {
  const { removal, endReason, state, hostConfig } = document;
  if (removal) return { kind: "remove", volumes: removal.volumes };
  if (endReason === "restart") return { kind: "restart", options: remaining(document.stopRequest, nowMs) };
  if (state.Restarting) return { kind: "restartLater", delayMs: document.restartDelayMs ?? FIRST_DELAY_MS };
  if (state.Running && endReason === "stop") {
    return { kind: "stop", options: remaining(document.stopRequest, nowMs) };
  }
  if (state.Running || !wasStarted(state)) return { kind: "stay" };
  if (hostConfig.AutoRemove) return { kind: "remove", volumes: true };
  return isStartWanted(document) ? { kind: "start" } : { kind: "stay" };
}

/** A stop as it was requested; the time that has passed since counts. */
function remaining(request: StopRequest | undefined, nowMs: number): StopOptions {
  if (!request) return {};
  const { signal, timeout } = request;
  if (timeout === undefined || timeout < 0) return { signal, timeout };
  const passed = Math.max(0, (nowMs - Date.parse(request.since)) / 1000);
  return { signal, timeout: Math.max(0, timeout - passed) };
}

function isStartWanted({ hostConfig, stoppedOnRequest, endReason, state }: ContainerDocument): boolean {
  switch (hostConfig.RestartPolicy?.Name) {
    case "always":
      return true;
    case "unless-stopped":
      return !stoppedOnRequest;
    case "on-failure":
      return endReason === "shutdown" && state.ExitCode !== 0;
    default:
      return false;
  }
}
