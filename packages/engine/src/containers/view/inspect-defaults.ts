import { defaultMaskedPaths, defaultReadonlyPaths } from "@gantry/oci-spec/runtime";
import { parseSecurityOptions } from "../../spec/security.ts";
import type { ContainerDocument } from "../document.ts";

/** Fields that a format template may name also where the request did not set them. */
const configDefaults = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: [],
  Cmd: null,
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
};

/** A container's configuration with all of its fields. */
export function configView({ ExposedPorts, ...config }: ContainerDocument["config"]): Record<string, unknown> {
  return { ...configDefaults, ...config, ...(ExposedPorts ? { ExposedPorts } : {}) };
}

const hostDefaults = {
  Binds: null,
  PortBindings: {},
  AutoRemove: false,
  CapAdd: null,
  CapDrop: null,
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "private",
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  ShmSize: 67108864,
  ConsoleSize: [0, 0],
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: [],
  MemoryReservation: 0,
  MemorySwap: 0,
  PidsLimit: null,
  Ulimits: [],
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  Cgroup: "",
  ContainerIDFile: "",
  CpuCount: 0,
  CpuPercent: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  IOMaximumBandwidth: 0,
  IOMaximumIOps: 0,
  Isolation: "",
  Links: null,
  MemorySwappiness: null,
  OomKillDisable: false,
  UsernsMode: "",
  VolumeDriver: "",
  VolumesFrom: null,
};

/** A container's HostConfig with all of its fields. */
export function hostConfigView(document: ContainerDocument, cgroupVersion: 1 | 2): Record<string, unknown> {
  const { hostConfig, runtime } = document;
  const open =
    (hostConfig.Privileged ?? false) || parseSecurityOptions(hostConfig.SecurityOpt ?? []).systemPathsUnconfined;
  return {
    ...hostDefaults,
    CgroupnsMode: cgroupVersion === 2 && !hostConfig.Privileged ? "private" : "host",
    MaskedPaths: open ? null : [...defaultMaskedPaths],
    ReadonlyPaths: open ? null : [...defaultReadonlyPaths],
    ...hostConfig,
    Runtime: runtime,
  };
}
