import type { Spec } from "@gantry/oci-spec/runtime";
import { defaultDeviceRules } from "@gantry/oci-spec/runtime";
import { conflict } from "../base/errors.ts";
import { buildSpec } from "../spec/build.ts";
import { type ContainerDevices, hostDevices, requestedDevices } from "../spec/devices.ts";
import { type NamespaceChoice, parseNamespaceMode } from "../spec/namespaces.ts";
import type { Container } from "./container.ts";
import { filesOf } from "./files.ts";
import { groupsOf } from "./groups.ts";
import type { World } from "./world.ts";

/** config.json for a start of a container whose network namespace is at `network` (or is the host's). */
export async function specFor(world: World, container: Container, network: string): Promise<Spec> {
  const { document } = container;
  const { config, hostConfig: host } = document;
  const ipc = parseNamespaceMode(host.IpcMode, ["private", "shareable", "none", "host", "container"]);
  return buildSpec({
    id: document.id,
    config,
    host,
    hostname: config.Hostname ?? document.id.slice(0, 12),
    points: document.mounts,
    files: filesOf(world, document),
    namespaces: namespacesOf(world, container, network),
    shm: shmOf(world, container, ipc?.kind ?? "private"),
    devices: await devicesOf(host.Privileged ?? false, host.Devices ?? []),
    cgroupParent: world.settings.cgroupParent,
    ...(host.Init ? { initPath: world.settings.initPath } : {}),
    additionalGids: await groupsOf(world, container),
    facts: world.facts,
  });
}

function namespacesOf(world: World, container: Container, network: string): NamespaceChoice {
  const { hostConfig: host } = container.document;
  return {
    network,
    pid: namespacePath(world, host.PidMode, "pid"),
    ipc: namespacePath(world, host.IpcMode, "ipc"),
    uts: host.UTSMode === "host" ? "host" : "",
    // Where cgroups are of version 1, a namespace of them would hide the container's own from its programs.
    cgroup: world.facts.cgroupVersion === 2 && !host.Privileged ? "" : "host",
  };
}

function namespacePath(world: World, mode: string | undefined, type: "pid" | "ipc"): string {
  if (mode === "host") return "host";
  if (!mode?.startsWith("container:")) return "";
  return `/proc/${runningProcess(world, mode, type)}/ns/${type}`;
}

/** First process of the container that a mode "container:NAME" names. */
function runningProcess(world: World, mode: string, type: string): number {
  const other = world.registry.find(mode.slice("container:".length));
  if (!other.alive) throw conflict(`cannot join ${type} of a non running container: ${other.id}`);
  return other.document.state.Pid;
}

function shmOf(world: World, container: Container, kind: string): number | "none" | { bind: string } {
  const { hostConfig: host } = container.document;
  if (kind === "none") return "none";
  if (kind === "host") return { bind: "/dev/shm" };
  if (kind === "container") return { bind: `/proc/${runningProcess(world, host.IpcMode ?? "", "ipc")}/root/dev/shm` };
  return host.ShmSize ?? 64 * 1024 * 1024;
}

async function devicesOf(
  privileged: boolean,
  requests: Parameters<typeof requestedDevices>[0],
): Promise<ContainerDevices> {
  if (privileged) return hostDevices();
  if (requests.length === 0) return { devices: [], rules: [...defaultDeviceRules] };
  return requestedDevices(requests);
}
