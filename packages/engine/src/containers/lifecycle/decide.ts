import { type ContainerDocument, wasStarted } from "../document.ts";

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
  | { readonly kind: "restart" }
  | { readonly kind: "start" }
  | { readonly kind: "restartLater"; readonly delayMs: number }
  | { readonly kind: "stay" };

/**
 * Decides what a starting engine does with a container: it finishes a removal or restart that was under way, and starts
 * containers whose restart policy asks for it.
 */
export function decideAtStartup(document: ContainerDocument): AtStartup {
  const { removal, endReason, state, hostConfig } = document;
  if (removal) return { kind: "remove", volumes: removal.volumes };
  if (endReason === "restart") return { kind: "restart" };
  if (state.Restarting) return { kind: "restartLater", delayMs: document.restartDelayMs ?? FIRST_DELAY_MS };
  if (state.Running || !wasStarted(state)) return { kind: "stay" };
  if (hostConfig.AutoRemove) return { kind: "remove", volumes: true };
  return isStartWanted(document) ? { kind: "start" } : { kind: "stay" };
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
