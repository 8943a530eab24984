import { isRpcError } from "@gantry/ipc";
import { familiarize, formatReference, hostPlatform } from "@gantry/oci-spec";
import { newId } from "../base/ids.ts";
import { applyChanges, type ChangedConfig } from "../images/changes.ts";
import type { ImageDeps } from "../images/deps.ts";
import { keepNameless } from "../images/fetch.ts";
import { namelessName, targetName } from "../images/names.ts";
import type { Container } from "./container.ts";
import { containerEvent } from "./events.ts";
import { type PauseDeps, pauseContainer, unpauseContainer } from "./lifecycle/pause.ts";
import { admit } from "./lifecycle/table.ts";

export interface CommitDeps extends PauseDeps, ImageDeps {}

export interface CommitRequest {
  /** repo[:tag]; empty: no name */
  readonly Target: string;
  readonly Author?: string | undefined;
  readonly Comment?: string | undefined;
  readonly Changes?: readonly string[] | undefined;
  readonly Pause?: boolean | undefined;
}

/** Fields of a container's configuration that an image has too. */
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

/** Mount points of every container: created in its root file system where the image does not have them. */
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
 * `commit`: creates an image with the changes of a container.
 * @returns its id
 * @throws RpcError InvalidArgument for the name or a change
 */
export async function commitContainer(deps: CommitDeps, container: Container, request: CommitRequest): Promise<string> {
  const named = request.Target === "" ? undefined : formatReference(targetName(request.Target));
  const configDocument = configOf(container, request, deps.clock.now());
  const base = await baseName(deps, container);
  const isPaused = (request.Pause ?? true) && (await pauseIfRunning(deps, container));
  try {
    if (named !== undefined) await keepNameless(deps, named);
    const { configDigest } = await deps.supervisor.call(
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
    deps.images.invalidate();
    const tag = named === undefined ? {} : { imageRef: familiarize(named) };
    containerEvent(deps, container, "commit", { comment: request.Comment ?? "", imageID: configDigest, ...tag });
    return configDigest;
  } finally {
    if (isPaused)
      await unpauseContainer(deps, container).catch((error: unknown) => {
        // It may have ended, or been unpaused by a user.
        if (!isRpcError(error, "FailedPrecondition") && !isRpcError(error, "NotFound")) throw error;
      });
  }
}

/** @returns whether it was paused here */
async function pauseIfRunning(deps: CommitDeps, container: Container): Promise<boolean> {
  const isRunning = await container.lifecycle.exclusive(async () => {
    admit("commit", container);
    return container.alive && !container.document.state.Paused;
  });
  if (!isRunning) return false;
  await pauseContainer(deps, container);
  return true;
}

/** A name of the container's image; undefined when it is gone, so that the new one holds all. */
async function baseName(deps: CommitDeps, { document }: Container): Promise<string | undefined> {
  const found = (await deps.images.all()).find(({ id }) => id === document.imageId);
  return found?.resolved.image.name;
}

function configOf({ document }: Container, request: CommitRequest, created: string): Record<string, unknown> {
  const { config } = document;
  const { os, architecture, variant } = hostPlatform();
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
