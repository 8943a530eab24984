import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import { signalNumber } from "@gantry/native-sys";
import { ulimitNames } from "@gantry/oci-spec/names";
import { invalid } from "../../base/errors.ts";
import { checkLogConfig } from "../../logs/log-config.ts";
import { parseNamespaceMode } from "../../spec/namespaces.ts";
import { parseSecurityOptions } from "../../spec/security.ts";
import { defaultShmBytes } from "../launch/shared-memory.ts";

const MIN_MEMORY = 6 * 1024 * 1024;
const MAX_UTS_NAME = 64;

/** The properties of this host that the checks need. */
export interface HostLimits {
  readonly cpus: number;
  readonly swapLimit: boolean;
}

export interface CheckedHostConfig {
  readonly host: HostConfig;
  readonly warnings: string[];
}

/**
 * Completes a HostConfig with Docker's defaults, and checks it as far as that is possible without looking at the host.
 * @throws RpcError InvalidArgument naming the field and its allowed values
 */
export function checkedHostConfig(config: ContainerConfig, given: HostConfig, limits: HostLimits): CheckedHostConfig {
  const warnings: string[] = [];
  const host: HostConfig = { ...given };
  host.NetworkMode = !given.NetworkMode || given.NetworkMode === "default" ? "bridge" : given.NetworkMode;
  host.ShmSize = given.ShmSize || defaultShmBytes;
  host.RestartPolicy = { Name: "no", MaximumRetryCount: 0, ...given.RestartPolicy };
  host.RestartPolicy.Name ||= "no";
  host.LogConfig = { Type: given.LogConfig?.Type || "json-file", Config: given.LogConfig?.Config ?? {} };
  for (const check of checks) check(host, config, limits);
  completeMemory(host, limits, warnings);
  if (isPublishing(host) && (host.NetworkMode === "host" || host.NetworkMode === "none")) {
    warnings.push(`Published ports are discarded when using ${host.NetworkMode} network mode`);
  }
  const hasOwnShm = ["", "private", "shareable"].includes(given.IpcMode ?? "");
  if (given.ShmSize && !hasOwnShm)
    warnings.push(`The size of /dev/shm is discarded when using IPC mode ${given.IpcMode}`);
  return { host, warnings };
}

/** True for a container that asks for published ports. */
export function isPublishing({ PortBindings, PublishAllPorts }: HostConfig): boolean {
  return Boolean(PublishAllPorts) || Object.keys(PortBindings ?? {}).length > 0;
}

type Check = (host: HostConfig, config: ContainerConfig, limits: HostLimits) => void;

const checks: readonly Check[] = [
  checkMemory,
  checkCpu,
  checkModes,
  checkRestart,
  checkLogConfig,
  checkSysctls,
  checkSmallNumbers,
  checkTexts,
];

function checkMemory(host: HostConfig): void {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, ShmSize = 0 } = host;
  if (Memory < 0 || (Memory > 0 && Memory < MIN_MEMORY)) throw invalid("Minimum memory limit allowed is 6MB");
  if (MemorySwap > 0 && Memory === 0)
    throw invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (MemorySwap > 0 && MemorySwap < Memory) {
    throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (MemoryReservation > 0 && MemoryReservation < MIN_MEMORY) {
    throw invalid("Minimum memory reservation allowed is 6MB");
  }
  if (Memory > 0 && MemoryReservation > Memory) {
    throw invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
  if (ShmSize < 0) throw invalid("SHM size can not be less than 0");
}

function completeMemory(host: HostConfig, limits: HostLimits, warnings: string[]): void {
  if (!host.Memory) return;
  if (!limits.swapLimit && host.MemorySwap !== -1) {
    host.MemorySwap = -1;
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
  } else if (!host.MemorySwap) host.MemorySwap = host.Memory * 2;
}

function checkCpu(host: HostConfig, _: ContainerConfig, limits: HostLimits): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0 } = host;
  if (CpuShares < 0) throw invalid(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (NanoCpus !== 0) {
    if (CpuPeriod > 0) throw invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
    if (CpuQuota > 0) throw invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    if (NanoCpus < 1e7 || NanoCpus > limits.cpus * 1e9) {
      const most = limits.cpus.toFixed(2);
      throw invalid(`range of CPUs is from 0.01 to ${most}, as there are only ${limits.cpus} CPUs available`);
    }
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  for (const [field, list] of [
    ["CpusetCpus", host.CpusetCpus],
    ["CpusetMems", host.CpusetMems],
  ] as const) {
    if (list && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list)) throw invalid(`Invalid value ${list} for cpuset ${field}`);
  }
}

function checkModes(host: HostConfig): void {
  if (!parseNamespaceMode(host.PidMode, ["private", "host", "container"])) {
    throw invalid(`Invalid PID mode: ${host.PidMode}`);
  }
  if (!parseNamespaceMode(host.IpcMode, ["private", "shareable", "none", "host", "container"])) {
    throw invalid(`Invalid IPC mode: ${host.IpcMode}`);
  }
  if (!parseNamespaceMode(host.UTSMode, ["private", "host"])) throw invalid(`Invalid UTS mode: ${host.UTSMode}`);
}

function checkRestart(host: HostConfig): void {
  const { Name = "no", MaximumRetryCount = 0 } = host.RestartPolicy ?? {};
  if (!["no", "always", "unless-stopped", "on-failure"].includes(Name)) {
    throw invalid(
      `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (Name !== "on-failure" && MaximumRetryCount > 0) {
    throw invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'`);
  }
  if (MaximumRetryCount < 0) throw invalid("invalid restart policy: maximum retry count cannot be negative");
  if (host.AutoRemove && Name !== "no") throw invalid("can't create 'AutoRemove' container with restart policy");
}

const ipcSysctls = new Set(
  "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split(" ").map((name) => `kernel.${name}`),
);

function checkSysctls(host: HostConfig): void {
  const network = host.NetworkMode ?? "";
  for (const name of Object.keys(host.Sysctls ?? {})) {
    const dotted = name.replaceAll("/", ".");
    if (dotted.startsWith("net.")) {
      if (network === "host") throw invalid(`sysctl '${name}' is not allowed with host network mode`);
    } else if (ipcSysctls.has(dotted) || dotted.startsWith("fs.mqueue.")) {
      if (host.IpcMode === "host") throw invalid(`sysctl '${name}' is not allowed with host ipc mode`);
    } else throw invalid(`sysctl '${name}' is not allowed: only net.*, fs.mqueue.* and kernel IPC names are`);
  }
}

function checkSmallNumbers(host: HostConfig, config: ContainerConfig): void {
  const { OomScoreAdj, BlkioWeight, ConsoleSize } = host;
  if (OomScoreAdj != null && (OomScoreAdj < -1000 || OomScoreAdj > 1000)) {
    throw invalid(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (BlkioWeight && (BlkioWeight < 10 || BlkioWeight > 1000)) {
    throw invalid("Range of blkio weight is from 10 to 1000");
  }
  if (ConsoleSize?.some((value) => value < 0)) throw invalid("ConsoleSize must not be negative");
  if (config.StopTimeout != null && config.StopTimeout < -1) throw invalid("StopTimeout must be -1 or more");
}

/** The kernel takes any text of 64 bytes (__NEW_UTS_LEN); these two characters would also end lines and texts in files. */
function checkUtsName(field: string, name: string): void {
  if (/[\0\n]/.test(name)) throw invalid(`invalid ${field}: ${JSON.stringify(name)}`);
  if (Buffer.byteLength(name) > MAX_UTS_NAME) {
    throw invalid(`invalid ${field}: ${name}: must have at most ${MAX_UTS_NAME} bytes`);
  }
}

function checkTexts(host: HostConfig, config: ContainerConfig): void {
  parseSecurityOptions(host.SecurityOpt ?? []);
  for (const { Name, Soft, Hard } of host.Ulimits ?? []) {
    if (!ulimitNames.includes(Name)) throw invalid(`invalid ulimit type: ${Name}`);
    if (Hard >= 0 && (Soft < 0 || Soft > Hard)) {
      throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
  }
  if (config.StopSignal && signalNumber(config.StopSignal) === undefined) {
    throw invalid(`Invalid signal: ${config.StopSignal}`);
  }
  if (config.WorkingDir && !config.WorkingDir.startsWith("/")) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  for (const entry of config.Env ?? []) {
    if (entry === "" || entry.startsWith("=")) throw invalid(`invalid environment variable: ${entry}`);
    if (entry.includes("\0")) throw invalid("environment variables cannot hold a zero byte");
  }
  checkUtsName("hostname", config.Hostname ?? "");
  checkUtsName("domainname", config.Domainname ?? "");
  for (const entry of host.ExtraHosts ?? []) {
    if (!/^[^:=]+[:=].+$/.test(entry)) throw invalid(`bad format for add-host: "${entry}"`);
  }
}
