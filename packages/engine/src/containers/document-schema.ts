import { containerConfig, hostConfig } from "@gantry/ipc/contracts/engine-types";
import * as v from "valibot";
import type { ContainerDocument } from "./document.ts";

const endpoint = v.object({
  networkId: v.string(),
  aliases: v.array(v.string()),
  wantedAddress: v.string(),
  wantedMac: v.string(),
  endpointId: v.string(),
  address: v.string(),
  prefixLength: v.number(),
  gateway: v.string(),
  mac: v.string(),
});

const publishedPort = v.object({
  protocol: v.picklist(["tcp", "udp", "sctp"]),
  containerPort: v.number(),
  hostIp: v.string(),
  hostPort: v.number(),
  proxyPid: v.number(),
});

const mountPoint = v.object({
  Type: v.picklist(["bind", "volume", "tmpfs"]),
  Name: v.exactOptional(v.string()),
  Source: v.string(),
  Destination: v.string(),
  Driver: v.exactOptional(v.string()),
  Mode: v.string(),
  RW: v.boolean(),
  Propagation: v.string(),
  NonRecursive: v.exactOptional(v.boolean()),
  TmpfsOptions: v.exactOptional(v.array(v.string())),
  NoCopy: v.exactOptional(v.boolean()),
  Anonymous: v.exactOptional(v.boolean()),
});

const state = v.object({
  Running: v.boolean(),
  Paused: v.boolean(),
  Restarting: v.boolean(),
  OOMKilled: v.boolean(),
  Dead: v.boolean(),
  Pid: v.number(),
  ExitCode: v.number(),
  Error: v.string(),
  StartedAt: v.string(),
  FinishedAt: v.string(),
});

/** Checks the document of a container that is read back from the database. */
export const containerDocument: v.GenericSchema<unknown, ContainerDocument> = v.object({
  id: v.string(),
  name: v.string(),
  created: v.string(),
  imageId: v.string(),
  config: containerConfig,
  hostConfig,
  state,
  endpoints: v.record(v.string(), endpoint),
  ports: v.array(publishedPort),
  mounts: v.array(mountPoint),
  restartCount: v.number(),
  stoppedOnRequest: v.boolean(),
  stopRequest: v.optional(
    v.object({ signal: v.optional(v.string()), timeout: v.optional(v.number()), since: v.string() }),
  ),
  lostPorts: v.optional(v.array(publishedPort)),
  endReason: v.optional(v.picklist(["stop", "kill", "restart", "shutdown"])),
  removal: v.optional(v.object({ volumes: v.boolean() })),
  restartDelayMs: v.optional(v.number()),
  runtime: v.string(),
});
