import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@gantry/common/error-message";
import { zeroTimestamp } from "@gantry/common/timestamp";
import type { RpcError } from "@gantry/ipc";
import { isRpcError } from "@gantry/ipc";
import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import { now } from "../base/clock.ts";
import { invalid, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { FoundImage } from "../images/images.ts";
import type { Endpoint, EndpointRequest } from "../networks/endpoint.ts";
import { parsePortConfig } from "../networks/port-spec.ts";
import { containerCapabilities } from "../spec/capabilities.ts";
import { requestedDevices } from "../spec/devices.ts";
import type { MountPoint } from "../spec/mounts.ts";
import { containerSeccomp, parseSecurityOptions } from "../spec/security.ts";
import { type MountPlan, planMounts } from "../volumes/mount-points.ts";
import { Container } from "./container.ts";
import type { ContainerDocument } from "./document.ts";
import { containerEvent } from "./events.ts";
import { checkedHostConfig } from "./host-config.ts";
import { mergeConfig } from "./merge-config.ts";
import { checkedName, generateName } from "./names.ts";
import { fillVolumes } from "./volume-content.ts";
import type { World } from "./world.ts";

export interface CreateRequest {
  readonly Name?: string | undefined;
  readonly Config: ContainerConfig;
  readonly HostConfig?: HostConfig | undefined;
  readonly NetworkingConfig?:
    | { readonly EndpointsConfig?: Readonly<Record<string, EndpointRequest>> | null | undefined }
    | undefined;
  readonly Platform?: string | undefined;
}

/**
 * Makes a container: its record, its writable layer, its files, its volumes. Nothing is left behind when it fails.
 * @throws RpcError NotFound for the image, AlreadyExists for the name, InvalidArgument for what is asked
 */
export async function createContainer(
  world: World,
  request: CreateRequest,
): Promise<{ id: string; warnings: string[] }> {
  const given = request.Name ? checkedName(request.Name) : undefined;
  const image = await world.images.resolve(request.Config.Image, request.Platform);
  const config = mergeConfig(request.Config, image.runConfig);
  if ((config.Entrypoint ?? []).length + (config.Cmd ?? []).length === 0) throw invalid("no command specified");
  const limits = { cpus: world.settings.cpus, swapLimit: world.facts.swapLimit };
  const { host, warnings } = checkedHostConfig(config, request.HostConfig ?? {}, limits);
  await checkAgainstHost(world, config, host);
  const plans = await planMounts(config, host);
  const id = newId();
  const name = await reserveName(world, id, given);
  try {
    const document = await makeDocument(world, { id, name, image, config, host, plans, request });
    await prepare(world, document, image);
    const container = new Container(document);
    if (document.mounts.some((mount) => mount.Type === "volume" && !mount.NoCopy)) {
      await fillVolumes(world, container);
    }
    world.registry.add(container);
    world.volumes.commit(id);
    containerEvent(world, container, "create");
    return { id, warnings };
  } catch (error) {
    world.registry.releaseName(name);
    await undo(world, id);
    throw error;
  }
}

/** A name that is free. One whose container is just being removed by itself is waited for. */
async function reserveName(world: World, id: string, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    await world.registry.byName(given)?.autoRemoval?.catch(() => {});
    world.registry.reserveName(given, id);
    return given;
  }
  for (let attempt = 0; ; attempt++) {
    const name = generateName(attempt);
    if (world.registry.byName(name)) continue;
    try {
      world.registry.reserveName(name, id);
      return name;
    } catch (error) {
      if (!isRpcError(error, "AlreadyExists")) throw error;
    }
  }
}

/** What depends on this host and would otherwise only fail at the start. */
async function checkAgainstHost(world: World, config: ContainerConfig, host: HostConfig): Promise<void> {
  const capabilities = containerCapabilities({
    privileged: host.Privileged ?? false,
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
    available: world.facts.capabilities,
  });
  containerSeccomp(parseSecurityOptions(host.SecurityOpt ?? []).seccomp, capabilities, world.facts.arch);
  await requestedDevices(host.Devices ?? []);
  if (host.Runtime && !Object.hasOwn(world.settings.runtimes, host.Runtime)) {
    throw invalid(`unknown or invalid runtime name: ${host.Runtime}`);
  }
  for (const mode of [host.PidMode, host.IpcMode, host.NetworkMode]) {
    if (mode?.startsWith("container:")) world.registry.find(mode.slice("container:".length));
  }
  const ports = parsePortConfig(host.PortBindings ?? {});
  const network = host.NetworkMode ?? "";
  if (network.startsWith("container:") && (ports.length > 0 || host.PublishAllPorts)) {
    throw invalid("conflicting options: port publishing and the container type network mode");
  }
  if (config.Hostname && network.startsWith("container:")) {
    throw invalid("conflicting options: hostname and the network mode");
  }
  world.networks.checkMode(network);
}

interface Parts {
  readonly id: string;
  readonly name: string;
  readonly image: FoundImage;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly plans: readonly MountPlan[];
  readonly request: CreateRequest;
}

async function makeDocument(world: World, parts: Parts): Promise<ContainerDocument> {
  const { id, name, image, config, host } = parts;
  const mounts = await makeVolumes(world, id, parts.plans);
  return {
    id,
    name,
    created: now(),
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
    endpoints: endpointsOf(world, host.NetworkMode ?? "bridge", parts.request),
    ports: [],
    mounts,
    restartCount: 0,
    stoppedOnRequest: false,
    runtime: host.Runtime || world.settings.defaultRuntime,
  };
}

/** As it was asked for; the host's on the host's network; the short id otherwise. */
function hostnameOf(id: string, config: ContainerConfig, host: HostConfig): string {
  if (config.Hostname) return config.Hostname;
  if (host.NetworkMode === "host" || host.UTSMode === "host") return process.getBuiltinModule("node:os").hostname();
  return id.slice(0, 12);
}

function endpointsOf(world: World, mode: string, request: CreateRequest): Record<string, Endpoint> {
  if (mode.startsWith("container:")) return {};
  const result: Record<string, Endpoint> = {};
  const network = world.networks.find(mode);
  const asked = request.NetworkingConfig?.EndpointsConfig ?? {};
  for (const key of Object.keys(asked)) {
    const other = world.networks.lookup(key);
    if (!other) throw notFound(`network ${key} not found`);
    if (other.id !== network.id) result[other.name] = world.networks.newEndpoint(other, asked[key] ?? {});
  }
  const own = asked[mode] ?? asked[network.name] ?? asked[network.id] ?? {};
  return { [network.name]: world.networks.newEndpoint(network, own), ...result };
}

async function makeVolumes(world: World, containerId: string, plans: readonly MountPlan[]): Promise<MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const { VolumeLabels, ...plan } of plans) {
    if (plan.Type !== "volume") {
      mounts.push(plan);
      continue;
    }
    const volume = await world.volumes.acquire(containerId, { Name: plan.Name, Labels: VolumeLabels });
    mounts.push({ ...plan, Name: volume.Name, Source: volume.Mountpoint });
  }
  return mounts;
}

/** The writable layer and the directory of the container's files, at once. */
async function prepare(world: World, document: ContainerDocument, image: FoundImage): Promise<void> {
  const { id } = document;
  const labels = { "gantry.container": id };
  await Promise.all([
    world.supervisor.call("snapshots.prepare", { key: id, parent: image.resolved.chainId, labels }),
    mkdir(world.paths.containerDirectory(id), { recursive: true, mode: 0o710 }),
  ]);
}

async function undo(world: World, id: string): Promise<void> {
  const steps = [
    () => world.supervisor.call("containers.delete", { id }),
    () => world.supervisor.call("snapshots.remove", { key: id }),
    () => rm(join(world.paths.containerDirectory(id)), { recursive: true, force: true }),
    () => world.volumes.rollback(id),
  ];
  for (const step of steps) {
    await step().catch((error: RpcError | Error) => {
      if (!isRpcError(error, "NotFound")) world.log.warn({ id, error: messageOf(error) }, "undoing a failed create");
    });
  }
}
