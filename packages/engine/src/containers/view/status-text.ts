import { humanDuration } from "@gantry/common/duration";
import type { ContainerDocument } from "../document.ts";
import { statusOf } from "../document.ts";

/** "Up 5 seconds", "Exited (0) 2 minutes ago": as `docker ps` shows it. */
export function statusText(container: Pick<ContainerDocument, "state">, nowMs: number): string {
  const { state } = container;
  const since = (time: string) => humanDuration((nowMs - Date.parse(time)) / 1000);
  switch (statusOf(container)) {
    case "created":
      return "Created";
    case "running":
      return `Up ${since(state.StartedAt)}`;
    case "paused":
      return `Up ${since(state.StartedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.ExitCode}) ${since(state.FinishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    default:
      return `Exited (${state.ExitCode}) ${since(state.FinishedAt)} ago`;
  }
}
