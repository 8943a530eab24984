import { zeroTimestamp } from "@gantry/common/timestamp";
import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { Endpoint } from "../networks/endpoint.ts";
import type { PublishedPort } from "../networks/port-spec.ts";
import type { MountPoint } from "../spec/mounts.ts";

/** "kill" is a signal that a container is expected to end at; "shutdown" is the engine's. */
export type EndReason = "stop" | "kill" | "restart" | "shutdown";

/** How a stop or restart was requested, for a later engine that finds it unfinished. */
export interface StopRequest {
  readonly signal?: string | undefined;
  /** Seconds until SIGKILL; -1: never. Absent: the container's own. */
  readonly timeout?: number | undefined;
  /** RFC 3339. */
  readonly since: string;
}

/** The durable state of a container: one JSON document. */
export interface ContainerDocument {
  readonly id: string;
  /** Without the slash that Docker shows. */
  name: string;
  readonly created: string;
  /** Digest of the image's configuration. */
  readonly imageId: string;
  /** The image's configuration merged with the request; Image as the user typed it. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  state: ContainerState;
  /** By network name. */
  readonly endpoints: Record<string, Endpoint>;
  /** Published ports, while it runs. */
  ports: PublishedPort[];
  /** Published ports that this run has lost, and that are tried again. */
  lostPorts?: PublishedPort[] | undefined;
  readonly mounts: MountPoint[];
  restartCount: number;
  /** A user stopped or killed it: the restart policy does not start it again. */
  stoppedOnRequest: boolean;
  /**
   * Why the current run is going to end, saved before its process is signalled; undefined while it is to go on. Kept
   * until the next start.
   */
  endReason?: EndReason | undefined;
  /** With the end reasons "stop" and "restart". */
  stopRequest?: StopRequest | undefined;
  /** The container is being removed; saved before any of its resources is released. */
  removal?: { readonly volumes: boolean } | undefined;
  /** Delay of the last restart by policy in milliseconds. */
  restartDelayMs?: number | undefined;
  /** Name of the OCI runtime. */
  readonly runtime: string;
}

/** Field names are the Engine API's. */
export interface ContainerState {
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  StartedAt: string;
  FinishedAt: string;
}

export type Status = "created" | "running" | "paused" | "restarting" | "exited" | "removing" | "dead";

export function statusOf({ state, removal }: Pick<ContainerDocument, "state" | "removal">): Status {
  if (removal) return "removing";
  if (state.Running) return state.Paused ? "paused" : state.Restarting ? "restarting" : "running";
  if (state.Dead) return "dead";
  return wasStarted(state) ? "exited" : "created";
}

/** True once a run of the container has begun. */
export function wasStarted({ StartedAt }: Pick<ContainerDocument["state"], "StartedAt">): boolean {
  return StartedAt !== zeroTimestamp;
}
