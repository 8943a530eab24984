import { unixSeconds } from "@gantry/common/timestamp";
import { isRpcError } from "@gantry/ipc";
import type { ContainerSummary, Filters } from "@gantry/ipc/contracts/engine-types";
import type { Images } from "../../images/images.ts";
import { expandExposed } from "../../networks/port-spec.ts";
import type { RootFilesystems } from "../../supervisor/root-filesystems.ts";
import type { Container } from "../container.ts";
import { type ContainerDocument, statusOf } from "../document.ts";
import { containerFilter, type FilterDeps } from "./filters.ts";
import { statusText } from "./status-text.ts";

export interface SizeDeps {
  readonly rootfs: RootFilesystems;
  readonly images: Images;
}

export interface ListDeps extends SizeDeps, FilterDeps {}

export interface ListRequest {
  readonly All?: boolean | undefined;
  readonly Limit?: number | undefined;
  readonly Size?: boolean | undefined;
  readonly Filters?: Filters | undefined;
}

/** Containers, the newest first. */
export async function listContainers(deps: ListDeps, request: ListRequest): Promise<ContainerSummary[]> {
  const filters = request.Filters ?? {};
  const limit = request.Limit && request.Limit > 0 ? request.Limit : undefined;
  // A request for a state, or for the last few, includes containers that do not run.
  const all = request.All || limit !== undefined || "status" in filters || "exited" in filters;
  const matches = await containerFilter(deps, filters);
  const chosen = newestFirst(deps.registry.all())
    .filter((container) => (all || container.document.state.Running) && matches(container.document))
    .slice(0, limit);
  const now = Date.now();
  return Promise.all(
    chosen.map((container) => summary(deps, container.document, { now, size: request.Size ?? false })),
  );
}

export function newestFirst(containers: readonly Container[]): Container[] {
  const time = (container: Container) => container.document.created;
  return [...containers].sort((a, b) => (time(a) < time(b) ? 1 : time(a) > time(b) ? -1 : 0));
}

async function summary(
  deps: ListDeps,
  container: ContainerDocument,
  options: { now: number; size: boolean },
): Promise<ContainerSummary> {
  const { config } = container;
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: await shownImage(deps, container),
    ImageID: container.imageId,
    Command: commandText(container),
    Created: unixSeconds(container.created),
    State: statusOf(container),
    Status: statusText(container, options.now),
    Ports: portList(container),
    Labels: { ...config.Labels },
    Mounts: container.mounts.map(({ TmpfsOptions: _, ...mount }) => ({ ...mount })),
    NetworkMode: container.hostConfig.NetworkMode ?? "",
    ...(options.size ? await sizes(deps, container) : {}),
  };
}

/** The image as the user named it; its id once that names another image, or none. */
async function shownImage(deps: ListDeps, { config, imageId }: ContainerDocument): Promise<string> {
  const present = await deps.images.resolve(config.Image).catch((error: unknown) => {
    if (isRpcError(error, "NotFound")) return undefined;
    // The image cannot be looked up: the name is the best answer.
    return { id: imageId };
  });
  return present?.id === imageId ? config.Image : imageId;
}

export async function sizes(deps: SizeDeps, container: ContainerDocument) {
  const SizeRw = await deps.rootfs.size(container.id);
  const image = await deps.images.resolve(container.imageId).catch(() => undefined);
  return { SizeRw, SizeRootFs: SizeRw + (image?.resolved.unpackedSize ?? 0) };
}

function commandText({ config }: ContainerDocument): string {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return command.map((argument) => (/\s/.test(argument) || argument === "" ? `'${argument}'` : argument)).join(" ");
}

function portList(container: ContainerDocument): ContainerSummary["Ports"] {
  if (!container.state.Running) return [];
  const published = container.ports.map((port) => ({
    IP: port.hostIp,
    PrivatePort: port.containerPort,
    PublicPort: port.hostPort,
    Type: port.protocol,
  }));
  const has = (port: number, type: string) => published.some((p) => p.PrivatePort === port && p.Type === type);
  const exposed = Object.keys(container.config.ExposedPorts ?? {})
    .flatMap(expandExposed)
    .filter(({ port, protocol }) => !has(port, protocol))
    .map(({ port, protocol }) => ({ PrivatePort: port, Type: protocol }));
  return [...exposed, ...published].sort((a, b) => a.PrivatePort - b.PrivatePort);
}
