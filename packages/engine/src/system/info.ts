import { readFileSync } from "node:fs";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import { jsRuntimeName } from "@gantry/common/js-runtime";
import { version } from "@gantry/common/version";
import type { Paths } from "../base/paths.ts";
import type { Images } from "../images/images.ts";
import { groupByImage } from "../images/view.ts";
import type { HostFacts } from "../spec/build.ts";
import type { StorageDriver } from "./storage.ts";
import { apiVersion, minApiVersion } from "./version.ts";

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** As the Engine API's /version. */
export function versionView(): Record<string, unknown> {
  const Arch = goArchitectures[arch()] ?? arch();
  const details = {
    ...{ ApiVersion: apiVersion, MinAPIVersion: minApiVersion, JsRuntime: jsRuntimeName },
    ...{ Arch, Os: "linux", KernelVersion: release() },
  };
  return {
    Platform: { Name: "Gantry" },
    Version: version,
    ...details,
    Components: [{ Name: "Engine", Version: version, Details: { ...details } }],
  };
}

export interface InfoDeps {
  readonly storage: StorageDriver;
  readonly images: Images;
  readonly facts: HostFacts;
  readonly paths: Paths;
  readonly settings: {
    readonly runtimes: Readonly<Record<string, { readonly path: string }>>;
    readonly defaultRuntime: string;
    readonly initPath: string;
  };
  /** States of all containers, as the Engine API names them. */
  readonly containerStates: () => readonly string[];
}

/** As the Engine API's /info, with the fields that are true here. */
export async function infoView(deps: InfoDeps): Promise<Record<string, unknown>> {
  const statuses = deps.containerStates();
  const count = (...wanted: string[]) => statuses.filter((status) => wanted.includes(status)).length;
  const { settings, facts } = deps;
  const storage = await deps.storage.describe();
  return {
    ID: hostname(),
    Name: hostname(),
    Containers: statuses.length,
    ContainersRunning: count("running", "restarting"),
    ContainersPaused: count("paused"),
    ContainersStopped: count("created", "exited", "removing", "dead"),
    Images: groupByImage(await deps.images.all()).length,
    Driver: storage.name,
    DriverStatus: storage.reason === "" ? [] : [["Chosen because", storage.reason]],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "null"],
      Authorization: null,
      Log: ["json-file", "none"],
    },
    MemoryLimit: true,
    SwapLimit: facts.swapLimit,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    IPv4Forwarding: readText("/proc/sys/net/ipv4/ip_forward") === "1",
    LoggingDriver: "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: String(facts.cgroupVersion),
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: "linux",
    Architecture: arch() === "x64" ? "x86_64" : arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: deps.paths.root,
    ServerVersion: version,
    Runtimes: Object.fromEntries(Object.entries(settings.runtimes).map(([name, { path }]) => [name, { path }])),
    DefaultRuntime: settings.defaultRuntime,
    InitBinary: settings.initPath,
    LiveRestoreEnabled: true,
    SecurityOptions: ["name=seccomp,profile=builtin", ...(facts.cgroupVersion === 2 ? ["name=cgroupns"] : [])],
    Labels: [],
    Warnings: facts.swapLimit ? null : ["WARNING: No swap limit support"],
  };
}

function operatingSystem(): string {
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(readText("/etc/os-release"))?.[1] ?? "Linux";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
