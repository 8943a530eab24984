import { hostname } from "node:os";
import type { Clock } from "@gantry/common/clock";
import { zeroTimestamp } from "@gantry/common/timestamp";
import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import { notFound } from "../../base/errors.ts";
import type { FoundImage } from "../../images/images.ts";
import type { Endpoint } from "../../networks/endpoint.ts";
import type { Networks } from "../../networks/networks.ts";
import type { MountPoint } from "../../spec/mounts.ts";
import { containerOf } from "../../spec/namespaces.ts";
import type { MountPlan } from "../../volumes/mount-points.ts";
import type { Volumes } from "../../volumes/volumes.ts";
import type { ContainerDocument } from "../document.ts";
import type { Settings } from "../settings.ts";
import type { CreateRequest } from "./request.ts";

export interface DocumentDeps {
  readonly clock: Clock;
  readonly settings: Settings;
  readonly networks: Networks;
  readonly volumes: Volumes;
}

/** The checked parts of a new container. */
export interface ContainerParts {
  readonly id: string;
  readonly name: string;
  readonly image: FoundImage;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly plans: readonly MountPlan[];
  readonly request: CreateRequest;
}

/** The document of a new container; its volumes are created. */
export async function createDocument(deps: DocumentDeps, parts: ContainerParts): Promise<ContainerDocument> {
  const { id, name, image, config, host } = parts;
  const endpoints = endpointsOf(deps, host.NetworkMode ?? "bridge", parts.request);
  const mounts = await acquireVolumes(deps, id, parts.plans);
  return {
    id,
    name,
    created: deps.clock.now(),
    imageId: image.id,
    config: { ...config, Hostname: hostnameOf(id, config, host) },
    hostConfig: host,
    state: {
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: 0,
      Error: "",
      StartedAt: zeroTimestamp,
      FinishedAt: zeroTimestamp,
    },
    endpoints,
    ports: [],
    mounts,
    restartCount: 0,
    stoppedOnRequest: false,
    runtime: host.Runtime || deps.settings.defaultRuntime,
  };
}

/** As requested; the host's own in its network; the short id otherwise. */
function hostnameOf(id: string, config: ContainerConfig, host: HostConfig): string {
  if (config.Hostname) return config.Hostname;
  if (host.NetworkMode === "host" || host.UTSMode === "host") return hostname();
  return id.slice(0, 12);
}

function endpointsOf(deps: DocumentDeps, mode: string, request: CreateRequest): Record<string, Endpoint> {
  if (containerOf(mode) !== undefined) return {};
  const result: Record<string, Endpoint> = {};
  const network = deps.networks.find(mode);
  const requested = request.NetworkingConfig?.EndpointsConfig ?? {};
  for (const key of Object.keys(requested)) {
    const other = deps.networks.lookup(key);
    if (!other) throw notFound(`network ${key} not found`);
    if (other.id !== network.id) result[other.name] = deps.networks.newEndpoint(other, requested[key] ?? {});
  }
  const own = requested[mode] ?? requested[network.name] ?? requested[network.id] ?? {};
  return { [network.name]: deps.networks.newEndpoint(network, own), ...result };
}

async function acquireVolumes(
  deps: DocumentDeps,
  containerId: string,
  plans: readonly MountPlan[],
): Promise<MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const { VolumeLabels, ...plan } of plans) {
    if (plan.Type !== "volume") {
      mounts.push(plan);
      continue;
    }
    const volume = await deps.volumes.acquire(containerId, { Name: plan.Name, Labels: VolumeLabels });
    mounts.push({ ...plan, Name: volume.Name, Source: volume.Mountpoint });
  }
  return mounts;
}
