import { mkdir, rm } from "node:fs/promises";
import { allSettledOrThrow } from "@gantry/common/all-settled";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import { invalid } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { FoundImage, Images } from "../../images/images.ts";
import { retryUnavailable } from "../../supervisor/tasks.ts";
import type { EventHub } from "../../system/event-hub.ts";
import { planMounts } from "../../volumes/mount-points.ts";
import { Container } from "../container.ts";
import type { ContainerDocument } from "../document.ts";
import { containerEvent } from "../events.ts";
import type { RootfsDeps } from "../launch/record.ts";
import type { Registry } from "../registry.ts";
import { createDocument, type DocumentDeps } from "./document.ts";
import { checkAgainstHost, type HostCheckDeps } from "./host-check.ts";
import { checkedHostConfig, isPublishing } from "./host-config.ts";
import { mergeConfig } from "./merge-config.ts";
import { checkedName, generateName } from "./names.ts";
import { checkNetworkSettings } from "./network-settings.ts";
import { withContainerIds } from "./references.ts";
import type { CreateRequest } from "./request.ts";
import { fillVolumes } from "./volume-content.ts";

export interface CreateDeps extends RootfsDeps, HostCheckDeps, DocumentDeps {
  readonly registry: Registry;
  readonly images: Images;
  readonly events: EventHub;
  readonly background: BackgroundTasks;
  readonly log: Log;
}

/**
 * Creates a container: its record, its writable layer, its files, its volumes. Nothing is left behind when it fails.
 * @throws RpcError NotFound for the image, AlreadyExists for the name, InvalidArgument for the settings
 */
export async function createContainer(
  deps: CreateDeps,
  request: CreateRequest,
): Promise<{ id: string; warnings: string[] }> {
  checkNetworkSettings(request);
  const given = request.Name ? checkedName(request.Name) : undefined;
  const image = await deps.images.resolve(request.Config.Image, request.Platform);
  const config = mergeConfig(request.Config, image.runConfig);
  if ((config.Entrypoint ?? []).length + (config.Cmd ?? []).length === 0) throw invalid("no command specified");
  const limits = { cpus: deps.settings.cpus, swapLimit: deps.facts.swapLimit };
  const checked = checkedHostConfig(config, request.HostConfig ?? {}, limits);
  const host = withContainerIds(deps.registry, checked.host);
  await checkAgainstHost(deps, host);
  const plans = await planMounts(config, host);
  const id = newId();
  const name = await reserveName(deps.registry, id, given);
  try {
    const document = await createDocument(deps, { id, name, image, config, host, plans, request });
    await prepare(deps, document, image);
    if (document.mounts.some((mount) => mount.Type === "volume" && !mount.NoCopy)) await fillVolumes(deps, document);
    const container = new Container(document);
    deps.registry.add(container);
    deps.volumes.commit(id);
    containerEvent(deps, container, "create");
    return { id, warnings: [...checked.warnings, ...publicationWarnings(deps, document)] };
  } catch (error) {
    await undo(deps, id);
    deps.registry.releaseName(name);
    throw error;
  }
}

/** An internal network cannot be reached from outside, so a port is published only once another one is connected. */
function publicationWarnings({ networks }: CreateDeps, { endpoints, hostConfig }: ContainerDocument): string[] {
  if (!isPublishing(hostConfig)) return [];
  const joined = Object.values(endpoints).map(({ networkId }) => networks.find(networkId));
  const isInternal = joined.length > 0 && joined.every(({ internal }) => internal);
  return isInternal ? ["Published ports are discarded on internal networks"] : [];
}

/** A name that is free. One whose container is just being removed after its exit is waited for. */
async function reserveName(registry: Registry, id: string, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    const owner = registry.byName(given);
    if (owner?.document.hostConfig.AutoRemove) {
      await owner.lifecycle.settled();
      await owner.lifecycle.autoRemoval;
    }
    registry.reserveName(given, id);
    return given;
  }
  for (let attempt = 0; ; attempt++) {
    const name = generateName(attempt);
    if (registry.byName(name)) continue;
    try {
      registry.reserveName(name, id);
      return name;
    } catch (error) {
      if (!isRpcError(error, "AlreadyExists")) throw error;
    }
  }
}

/** Creates the writable layer and the directory of the container's files, at the same time. */
async function prepare(deps: CreateDeps, { id }: ContainerDocument, image: FoundImage): Promise<void> {
  await allSettledOrThrow<unknown>([
    deps.rootfs.create(id, image.resolved.chainId),
    mkdir(deps.paths.containerDirectory(id), { recursive: true, mode: 0o710 }),
  ]);
}

async function undo(deps: CreateDeps, id: string): Promise<void> {
  const steps = [
    () => deps.records.delete(id),
    () => deps.rootfs.remove(id),
    () => rm(deps.paths.containerDirectory(id), { recursive: true, force: true }),
    () => deps.volumes.rollback(id),
  ];
  for (const step of steps) {
    await step().catch((error: unknown) => {
      if (isRpcError(error, "Unavailable"))
        deps.background.add("undoing a failed create", () => retryUnavailable(step));
      else deps.log.warn({ id, error: messageOf(error) }, "undoing a failed create");
    });
  }
}
