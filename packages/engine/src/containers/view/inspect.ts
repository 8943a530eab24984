import { zeroTimestamp } from "@gantry/common/timestamp";
import { sandboxKey } from "../../networks/connect.ts";
import type { Endpoint } from "../../networks/endpoint.ts";
import { expandExposed } from "../../networks/port-spec.ts";
import type { HostFacts } from "../../spec/build.ts";
import type { MountPoint } from "../../spec/mounts.ts";
import { containerOf } from "../../spec/namespaces.ts";
import type { StorageDriver } from "../../system/storage.ts";
import { cleanPath } from "../../volumes/parse-bind.ts";
import type { Container } from "../container.ts";
import { type ContainerDocument, statusOf } from "../document.ts";
import { type FileDeps, filesOf } from "../files.ts";
import { configView, hostConfigView } from "./inspect-defaults.ts";
import { type SizeDeps, sizes } from "./list.ts";

export interface InspectDeps extends FileDeps, SizeDeps {
  readonly storage: StorageDriver;
  readonly facts: HostFacts;
  /** Ids of execs that have not ended. */
  readonly execIds: (containerId: string) => readonly string[];
}

/** A container as `docker inspect` shows it. */
export async function inspectContainer(
  deps: InspectDeps,
  container: Container,
  size: boolean,
): Promise<Record<string, unknown>> {
  const { document } = container;
  const { config, hostConfig, state } = document;
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  const execIds = deps.execIds(document.id);
  const files = ownFiles(deps, document);
  const { name: snapshotter } = await deps.storage.describe();
  return {
    Id: document.id,
    Created: document.created,
    Path: command[0] ?? "",
    Args: command.slice(1),
    State: { Status: statusOf(document), ...state, StartedAt: state.StartedAt || zeroTimestamp },
    Image: document.imageId,
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: hostConfig.LogConfig?.Type === "none" ? "" : deps.paths.logFile(document.id),
    Name: `/${document.name}`,
    RestartCount: document.restartCount,
    Driver: snapshotter,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execIds.length > 0 ? execIds : null,
    HostConfig: hostConfigView(document, deps.facts.cgroupVersion),
    GraphDriver: { Name: snapshotter, Data: null },
    Storage: { RootFS: { Snapshot: { Name: snapshotter } } },
    ...(size ? await sizes(deps, document) : {}),
    Mounts: document.mounts.filter((mount) => !isTmpfsFlag(document, mount)).map(mountView),
    Config: configView(config),
    NetworkSettings: networkSettings(deps, document),
  };
}

/** Docker lists the tmpfs of --mount here, and that of --tmpfs in HostConfig alone. */
function isTmpfsFlag({ hostConfig }: ContainerDocument, { Type, Destination }: MountPoint): boolean {
  return Type === "tmpfs" && Object.keys(hostConfig.Tmpfs ?? {}).some((path) => cleanPath(path) === Destination);
}

/** A container in the network namespace of a removed container has no such files any more. */
function ownFiles(deps: InspectDeps, document: ContainerDocument) {
  try {
    return filesOf(deps, document);
  } catch {
    return { resolvConf: "", hostname: "", hosts: "" };
  }
}

function mountView(mount: MountPoint): Record<string, unknown> {
  const { Type, Name, Source, Destination, Driver, Mode, RW, Propagation } = mount;
  const common = { Destination, Mode, RW, Propagation };
  return Type === "volume" ? { Type, Name, Source, Driver, ...common } : { Type, Source, ...common };
}

function networkSettings(deps: InspectDeps, document: ContainerDocument): Record<string, unknown> {
  const { endpoints, state, hostConfig } = document;
  const own = endpoints["bridge"];
  const mode = hostConfig.NetworkMode ?? "";
  const hasSandbox = state.Running && !state.Restarting && mode !== "host" && containerOf(mode) === undefined;
  return {
    Bridge: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    SandboxID: hasSandbox ? document.id : "",
    SandboxKey: hasSandbox ? deps.networks.sandboxes.path(sandboxKey(document)) : "",
    Ports: portMap(document),
    EndpointID: own?.endpointId ?? "",
    Gateway: own?.gateway ?? "",
    IPAddress: own?.address ?? "",
    IPPrefixLen: own?.prefixLength ?? 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    MacAddress: own?.mac ?? "",
    Networks: Object.fromEntries(Object.entries(endpoints).map(([name, endpoint]) => [name, endpointView(endpoint)])),
  };
}

function endpointView(endpoint: Endpoint): Record<string, unknown> {
  return {
    IPAMConfig: endpoint.wantedAddress === "" ? null : { IPv4Address: endpoint.wantedAddress },
    Links: null,
    Aliases: endpoint.aliases.length > 0 ? endpoint.aliases : null,
    NetworkID: endpoint.networkId,
    EndpointID: endpoint.endpointId,
    Gateway: endpoint.gateway,
    IPAddress: endpoint.address,
    IPPrefixLen: endpoint.prefixLength,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    MacAddress: endpoint.mac,
    DriverOpts: null,
  };
}

/** "80/tcp": its bindings, or null when it is only exposed. */
function portMap(document: ContainerDocument): Record<string, { HostIp: string; HostPort: string }[] | null> {
  const map: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  if (!document.state.Running) return map;
  for (const { port, protocol } of Object.keys(document.config.ExposedPorts ?? {}).flatMap(expandExposed)) {
    map[`${port}/${protocol}`] = null;
  }
  for (const { containerPort, protocol, hostIp, hostPort } of document.ports) {
    const key = `${containerPort}/${protocol}`;
    map[key] = [...(map[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }];
  }
  return map;
}
