import * as v from "valibot";
import { integer, labels } from "./common.ts";

/** Shapes of the Docker Engine API (v1.4x), with its field names. */

const strings = v.array(v.string());
const optional = <T extends v.GenericSchema>(schema: T) => v.optional(v.nullable(schema));

export const portBinding = v.object({ HostIp: v.optional(v.string()), HostPort: v.optional(v.string()) });

/** The portable part of an image's or container's configuration. */
export const containerConfig = v.object({
  Hostname: v.optional(v.string()),
  Domainname: v.optional(v.string()),
  User: v.optional(v.string()),
  AttachStdin: v.optional(v.boolean()),
  AttachStdout: v.optional(v.boolean()),
  AttachStderr: v.optional(v.boolean()),
  /** "80/tcp": {} */
  ExposedPorts: optional(v.record(v.string(), v.object({}))),
  Tty: v.optional(v.boolean()),
  OpenStdin: v.optional(v.boolean()),
  StdinOnce: v.optional(v.boolean()),
  Env: optional(strings),
  Cmd: optional(strings),
  Entrypoint: optional(strings),
  Image: v.string(),
  Volumes: optional(v.record(v.string(), v.object({}))),
  WorkingDir: v.optional(v.string()),
  Labels: optional(labels),
  StopSignal: v.optional(v.string()),
  /** Seconds. */
  StopTimeout: optional(integer),
});
export type ContainerConfig = v.InferOutput<typeof containerConfig>;

export const mount = v.object({
  Type: v.picklist(["bind", "volume", "tmpfs"]),
  Source: v.optional(v.string()),
  Target: v.string(),
  ReadOnly: v.optional(v.boolean()),
  BindOptions: optional(v.object({ Propagation: v.optional(v.string()), NonRecursive: v.optional(v.boolean()) })),
  VolumeOptions: optional(
    v.object({
      NoCopy: v.optional(v.boolean()),
      Labels: optional(labels),
      DriverConfig: optional(v.object({ Name: v.optional(v.string()), Options: optional(labels) })),
    }),
  ),
  TmpfsOptions: optional(v.object({ SizeBytes: v.optional(integer), Mode: v.optional(integer) })),
});
export type Mount = v.InferOutput<typeof mount>;

/** The part of a container's configuration that belongs to this host. */
export const hostConfig = v.object({
  Binds: optional(strings),
  Mounts: optional(v.array(mount)),
  PortBindings: optional(v.record(v.string(), v.nullable(v.array(portBinding)))),
  PublishAllPorts: v.optional(v.boolean()),
  NetworkMode: v.optional(v.string()),
  AutoRemove: v.optional(v.boolean()),
  Init: optional(v.boolean()),
  Privileged: v.optional(v.boolean()),
  ReadonlyRootfs: v.optional(v.boolean()),
  CapAdd: optional(strings),
  CapDrop: optional(strings),
  Tmpfs: optional(labels),
  Memory: v.optional(integer),
  MemorySwap: v.optional(integer),
  MemoryReservation: v.optional(integer),
  NanoCpus: v.optional(integer),
  CpuShares: v.optional(integer),
  CpuPeriod: v.optional(integer),
  CpuQuota: v.optional(integer),
  CpusetCpus: v.optional(v.string()),
  CpusetMems: v.optional(v.string()),
  PidsLimit: optional(integer),
  BlkioWeight: v.optional(integer),
  OomScoreAdj: v.optional(integer),
  Devices: optional(
    v.array(v.object({ PathOnHost: v.string(), PathInContainer: v.string(), CgroupPermissions: v.string() })),
  ),
  Dns: optional(strings),
  DnsSearch: optional(strings),
  DnsOptions: optional(strings),
  ExtraHosts: optional(strings),
  GroupAdd: optional(strings),
  LogConfig: optional(v.object({ Type: v.string(), Config: optional(labels) })),
  RestartPolicy: optional(v.object({ Name: v.string(), MaximumRetryCount: v.optional(integer) })),
  Runtime: v.optional(v.string()),
  SecurityOpt: optional(strings),
  ShmSize: v.optional(integer),
  Sysctls: optional(labels),
  Ulimits: optional(v.array(v.object({ Name: v.string(), Soft: integer, Hard: integer }))),
  PidMode: v.optional(v.string()),
  IpcMode: v.optional(v.string()),
  UTSMode: v.optional(v.string()),
  CgroupParent: v.optional(v.string()),
  /** Height, width of the first terminal. */
  ConsoleSize: optional(v.tuple([integer, integer])),
});
export type HostConfig = v.InferOutput<typeof hostConfig>;

export const endpointConfig = v.object({
  Aliases: optional(strings),
  MacAddress: v.optional(v.string()),
  IPAMConfig: optional(v.object({ IPv4Address: v.optional(v.string()), IPv6Address: v.optional(v.string()) })),
});
export type EndpointConfig = v.InferOutput<typeof endpointConfig>;
export const networkingConfig = v.object({ EndpointsConfig: optional(v.record(v.string(), endpointConfig)) });

/** Values of one filter key: any of them may match. */
export const filters = v.record(v.string(), strings);
export type Filters = v.InferOutput<typeof filters>;

export const containerSummary = v.object({
  Id: v.string(),
  Names: strings,
  Image: v.string(),
  ImageID: v.string(),
  Command: v.string(),
  /** Unix seconds. */
  Created: integer,
  State: v.picklist(["created", "running", "paused", "restarting", "removing", "exited", "dead"]),
  /** "Up 5 seconds", "Exited (0) 2 minutes ago". */
  Status: v.string(),
  Ports: v.array(
    v.object({ IP: v.optional(v.string()), PrivatePort: integer, PublicPort: v.optional(integer), Type: v.string() }),
  ),
  Labels: labels,
  Mounts: v.array(v.looseObject({ Type: v.string(), Source: v.string(), Destination: v.string() })),
  NetworkMode: v.string(),
  SizeRw: v.optional(integer),
  SizeRootFs: v.optional(integer),
});
export type ContainerSummary = v.InferOutput<typeof containerSummary>;

export const imageSummary = v.object({
  Id: v.string(),
  RepoTags: strings,
  RepoDigests: strings,
  Created: integer,
  Size: integer,
  Labels: labels,
  Containers: integer,
});
export type ImageSummary = v.InferOutput<typeof imageSummary>;

export const volume = v.object({
  Name: v.string(),
  Driver: v.string(),
  Mountpoint: v.string(),
  CreatedAt: v.string(),
  Labels: labels,
  Scope: v.string(),
  Options: labels,
});
export type Volume = v.InferOutput<typeof volume>;

export const network = v.looseObject({
  Name: v.string(),
  Id: v.string(),
  Created: v.string(),
  Scope: v.string(),
  Driver: v.string(),
  Internal: v.boolean(),
  IPAM: v.looseObject({
    Driver: v.string(),
    Config: v.array(v.looseObject({ Subnet: v.optional(v.string()), Gateway: v.optional(v.string()) })),
  }),
  Containers: v.record(
    v.string(),
    v.looseObject({
      Name: v.string(),
      EndpointID: v.string(),
      MacAddress: v.string(),
      IPv4Address: v.string(),
      IPv6Address: v.string(),
    }),
  ),
  Options: labels,
  Labels: labels,
});
export type Network = v.InferOutput<typeof network>;

/** As `docker events`. */
export const engineEvent = v.object({
  sequence: integer,
  Type: v.picklist(["container", "image", "network", "volume", "daemon"]),
  Action: v.string(),
  Actor: v.object({ ID: v.string(), Attributes: labels }),
  scope: v.string(),
  /** Unix seconds and nanoseconds. */
  time: integer,
  /** Nanoseconds do not fit a safe integer, so they are text. */
  timeNano: v.string(),
});
export type EngineEvent = v.InferOutput<typeof engineEvent>;
