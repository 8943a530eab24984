import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
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

/** A container's place in a network. What is given by `docker network connect` stays; the rest is there while it runs. */
export interface Endpoint {
  readonly networkId: string;
  readonly aliases: readonly string[];
  /** Asked for; empty: any. */
  readonly wantedAddress: string;
  readonly wantedMac: string;
  /** Empty while it does not run. */
  endpointId: string;
  address: string;
  prefixLength: number;
  gateway: string;
  mac: string;
}

/** A port of the host that leads to a port of a container. */
export interface PublishedPort {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
  /** The proxy's process; 0 without one. */
  readonly proxyPid: number;
}

export type Status = "created" | "running" | "paused" | "restarting" | "exited" | "dead";

export function statusOf({ state }: Pick<ContainerDocument, "state">): Status {
  if (state.Running) return state.Paused ? "paused" : state.Restarting ? "restarting" : "running";
  if (state.Dead) return "dead";
  return state.StartedAt === "0001-01-01T00:00:00Z" ? "created" : "exited";
}
