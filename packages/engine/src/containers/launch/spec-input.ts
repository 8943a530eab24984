import type { Spec } from "@gantry/oci-spec/runtime";
import { defaultDeviceRules } from "@gantry/oci-spec/runtime";
import { conflict } from "../../base/errors.ts";
import type { HostFacts } from "../../spec/build.ts";
import { buildSpec } from "../../spec/build.ts";
import { type ContainerDevices, hostDevices, requestedDevices } from "../../spec/devices.ts";
import { type NamespaceChoice, parseNamespaceMode } from "../../spec/namespaces.ts";
import type { Container } from "../container.ts";
import { type FileDeps, filesOf } from "../files.ts";
import { groupsOf } from "./groups.ts";
import type { RootfsDeps } from "./record.ts";

export interface SpecDeps extends FileDeps, RootfsDeps {
  readonly facts: HostFacts;
}

/** config.json for a start of a container whose network namespace is at `network` (or is the host's). */
export async function specFor(deps: SpecDeps, container: Container, network: string): Promise<Spec> {
  const { document } = container;
  const { config, hostConfig: host } = document;
  const ipc = parseNamespaceMode(host.IpcMode, ["private", "shareable", "none", "host", "container"]);
  return buildSpec({
    id: document.id,
    config,
    host,
    hostname: config.Hostname ?? document.id.slice(0, 12),
    points: document.mounts,
    files: filesOf(deps, document),
    namespaces: namespacesOf(deps, container, network),
    shm: shmOf(deps, container, ipc?.kind ?? "private"),
    devices: await devicesOf(host.Privileged ?? false, host.Devices ?? []),
    cgroupParent: deps.settings.cgroupParent,
    ...(host.Init ? { initPath: deps.settings.initPath } : {}),
    additionalGids: await groupsOf(deps, container.document),
    facts: deps.facts,
  });
}

function namespacesOf(deps: SpecDeps, container: Container, network: string): NamespaceChoice {
  const { hostConfig: host } = container.document;
  return {
    network,
    pid: namespacePath(deps, host.PidMode, "pid"),
    ipc: namespacePath(deps, host.IpcMode, "ipc"),
    uts: host.UTSMode === "host" ? "host" : "",
    // Where cgroups are of version 1, a namespace of them would hide the container's own from its programs.
    cgroup: deps.facts.cgroupVersion === 2 && !host.Privileged ? "" : "host",
  };
}

function namespacePath(deps: SpecDeps, mode: string | undefined, type: "pid" | "ipc"): string {
  if (mode === "host") return "host";
  if (!mode?.startsWith("container:")) return "";
  return `/proc/${runningProcess(deps, mode, type)}/ns/${type}`;
}

/** First process of the container that a mode "container:NAME" names. */
function runningProcess(deps: SpecDeps, mode: string, type: string): number {
  const other = deps.registry.find(mode.slice("container:".length));
  if (!other.alive) throw conflict(`cannot join ${type} of a non running container: ${other.id}`);
  return other.document.state.Pid;
}

function shmOf(deps: SpecDeps, container: Container, kind: string): number | "none" | { bind: string } {
  const { hostConfig: host } = container.document;
  if (kind === "none") return "none";
  if (kind === "host") return { bind: "/dev/shm" };
  if (kind === "container") return { bind: `/proc/${runningProcess(deps, host.IpcMode ?? "", "ipc")}/root/dev/shm` };
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
