import { familiarize, formatReference, hostPlatform } from "@gantry/oci-spec";
import { now } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import { applyChanges, type ChangedConfig } from "../images/changes.ts";
import { keepNameless } from "../images/fetch.ts";
import { namelessName, targetName } from "../images/names.ts";
import type { Container } from "./container.ts";
import { containerEvent } from "./events.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";
import type { World } from "./world.ts";

export interface CommitRequest {
  /** repo[:tag]; empty: no name */
  readonly Target: string;
  readonly Author?: string | undefined;
  readonly Comment?: string | undefined;
  readonly Changes?: readonly string[] | undefined;
  readonly Pause?: boolean | undefined;
}

/** What an image says of how it is run; the rest of a container's configuration is its own. */
const imageFields = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "StopTimeout",
  "Healthcheck",
  "OnBuild",
  "Shell",
] as const;

/** What every container has mounted: made in its root file system where the image has no such file or directory. */
const mountPoints = [
  "/dev",
  "/dev/console",
  "/dev/mqueue",
  "/dev/pts",
  "/dev/shm",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/proc",
  "/sys",
  "/sys/fs/cgroup",
];

/**
 * `commit`: an image of what a container changed.
 * @returns its id
 * @throws RpcError InvalidArgument for the name or a change
 */
export async function commitContainer(world: World, container: Container, request: CommitRequest): Promise<string> {
  const named = request.Target === "" ? undefined : formatReference(targetName(request.Target));
  const configDocument = configOf(container, request);
  const base = await baseName(world, container);
  const isPaused = (request.Pause ?? true) && container.alive && !container.document.state.Paused;
  if (isPaused) await pauseContainer(world, container);
  try {
    if (named !== undefined) await keepNameless(world, named);
    const { configDigest } = await world.supervisor.call(
      "diff.commitImage",
      {
        key: container.id,
        name: named ?? namelessName(`commit-${newId().slice(0, 32)}`),
        configDocument,
        leaveOut: mountPoints,
        ...(base === undefined ? {} : { base }),
      },
      { timeoutMs: 0 },
    );
    world.images.invalidate();
    const tag = named === undefined ? {} : { imageRef: familiarize(named) };
    containerEvent(world, container, "commit", { comment: request.Comment ?? "", imageID: configDigest, ...tag });
    return configDigest;
  } finally {
    if (isPaused) await unpauseContainer(world, container);
  }
}

/** A name of the container's image; undefined when it is gone, so that the new one holds all. */
async function baseName(world: World, { document }: Container): Promise<string | undefined> {
  const found = (await world.images.all()).find(({ id }) => id === document.imageId);
  return found?.resolved.image.name;
}

function configOf({ document }: Container, request: CommitRequest): Record<string, unknown> {
  const { config } = document;
  const { os, architecture, variant } = hostPlatform();
  const created = now();
  const kept = imageFields.flatMap((field) => {
    const value = (config as Readonly<Record<string, unknown>>)[field];
    return value === undefined || value === null || value === "" ? [] : [[field, value]];
  });
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" ");
  const author = request.Author ? { author: request.Author } : {};
  return {
    created,
    architecture,
    os,
    ...(variant ? { variant } : {}),
    ...author,
    config: applyChanges(request.Changes ?? [], Object.fromEntries(kept) as ChangedConfig),
    history: [{ created, created_by: command, ...author, ...(request.Comment ? { comment: request.Comment } : {}) }],
  };
}
