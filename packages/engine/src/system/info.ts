import { readFileSync } from "node:fs";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import { isRpcError } from "@gantry/ipc";
import { statusOf } from "../containers/document.ts";
import type { World } from "../containers/world.ts";
import { groupByImage } from "../images/view.ts";
import { apiVersion, minApiVersion, version } from "./version.ts";

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** As the Engine API's /version. */
export function versionView(): Record<string, unknown> {
  const Arch = goArchitectures[arch()] ?? arch();
  const details = { ApiVersion: apiVersion, MinAPIVersion: minApiVersion, Arch, Os: "linux", KernelVersion: release() };
  return {
    Platform: { Name: "Gantry" },
    Version: version,
    ...details,
    Components: [{ Name: "Engine", Version: version, Details: { ...details } }],
  };
}

/** As the Engine API's /info, with the fields that are true here. */
export async function infoView(world: World): Promise<Record<string, unknown>> {
  const statuses = world.registry.all().map((container) => statusOf(container.document));
  const count = (...wanted: string[]) => statuses.filter((status) => wanted.includes(status)).length;
  const { settings, facts } = world;
  return {
    ID: hostname(),
    Name: hostname(),
    Containers: statuses.length,
    ContainersRunning: count("running", "restarting"),
    ContainersPaused: count("paused"),
    ContainersStopped: count("created", "exited", "dead"),
    Images: groupByImage(await world.images.all()).length,
    ...(await storage(world)),
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
    DockerRootDir: world.paths.root,
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

/** How the supervisor stores images, and why so. */
async function storage(world: World): Promise<{ Driver: string; DriverStatus: [string, string][] }> {
  try {
    const { default: name, reason } = await world.supervisor.call("snapshots.snapshotters", {});
    return { Driver: name, DriverStatus: [["Chosen because", reason]] };
  } catch (error) {
    if (!isRpcError(error, "Unimplemented")) throw error;
    return { Driver: "unknown", DriverStatus: [] };
  }
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
