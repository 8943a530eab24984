import type { ContainerDocument } from "./document.ts";
import { statusOf } from "./document.ts";

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

/** A time span in the words of go-units, which Docker uses. */
export function humanDuration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(s / 60);
  const hours = Math.round(s / 3600);
  if (s < 1) return "Less than a second";
  if (s === 1) return "1 second";
  if (s < 60) return `${s} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
