import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { Endpoint } from "../networks/endpoint.ts";
import type { PublishedPort } from "../networks/port-spec.ts";
import type { MountPoint } from "../spec/mounts.ts";

/** What is kept of a container: one JSON document. */
export interface ContainerDocument {
  readonly id: string;
  /** Without the slash that Docker shows. */
  name: string;
  readonly created: string;
  /** Digest of the image's configuration. */
  readonly imageId: string;
  /** Image configuration merged with what was asked for; Image as it was typed. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  state: ContainerState;
  /** By network name. */
  readonly endpoints: Record<string, Endpoint>;
  /** Published ports, while it runs. */
  ports: PublishedPort[];
  readonly mounts: MountPoint[];
  restartCount: number;
  /** Stopped on request: "unless-stopped" does not start it again. */
  stoppedOnRequest: boolean;
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

export type Status = "created" | "running" | "paused" | "restarting" | "exited" | "dead";

export function statusOf({ state }: Pick<ContainerDocument, "state">): Status {
  if (state.Running) return state.Paused ? "paused" : state.Restarting ? "restarting" : "running";
  if (state.Dead) return "dead";
  return state.StartedAt === "0001-01-01T00:00:00Z" ? "created" : "exited";
}
