import type { Spec } from "@gantry/oci-spec/runtime";
import { defaultDeviceRules } from "@gantry/oci-spec/runtime";
import type { HostFacts } from "../../spec/build.ts";
import { buildSpec } from "../../spec/build.ts";
import { type ContainerDevices, hostDevices, requestedDevices } from "../../spec/devices.ts";
import type { NamespaceChoice } from "../../spec/namespaces.ts";
import type { Container } from "../container.ts";
import { type FileDeps, filesOf } from "../files.ts";
import { groupsOf } from "./groups.ts";
import { type JoinDeps, joinedNamespace, sharedMemoryFor } from "./joining.ts";
import type { RootfsDeps } from "./record.ts";

export interface SpecDeps extends FileDeps, RootfsDeps, JoinDeps {
  readonly facts: HostFacts;
}

/** config.json for a start of a container whose network namespace is at `network` (or is the host's). */
export async function specFor(deps: SpecDeps, container: Container, network: string): Promise<Spec> {
  const { document } = container;
  const { config, hostConfig: host } = document;
  const namespaces = await namespacesOf(deps, container, network);
  return buildSpec({
    id: document.id,
    config,
    host,
    hostname: config.Hostname ?? document.id.slice(0, 12),
    points: document.mounts,
    files: filesOf(deps, document),
    namespaces,
    shm: sharedMemoryFor(deps, container),
    devices: await devicesOf(host.Privileged ?? false, host.Devices ?? []),
    cgroupParent: deps.settings.cgroupParent,
    ...(host.Init ? { initPath: deps.settings.initPath } : {}),
    additionalGids: await groupsOf(deps, container.document),
    facts: deps.facts,
  });
}

async function namespacesOf(deps: SpecDeps, container: Container, network: string): Promise<NamespaceChoice> {
  const { hostConfig: host } = container.document;
  return {
    network,
    pid: await joinedNamespace(deps, host.PidMode, "pid"),
    ipc: await joinedNamespace(deps, host.IpcMode, "ipc"),
    uts: host.UTSMode === "host" ? "host" : "",
    // Where cgroups are of version 1, a namespace of them would hide the container's own from its programs.
    cgroup: deps.facts.cgroupVersion === 2 && !host.Privileged ? "" : "host",
  };
}

async function devicesOf(
  privileged: boolean,
  requests: Parameters<typeof requestedDevices>[0],
): Promise<ContainerDevices> {
  if (privileged) return hostDevices();
  if (requests.length === 0) return { devices: [], rules: [...defaultDeviceRules] };
  return requestedDevices(requests);
}
