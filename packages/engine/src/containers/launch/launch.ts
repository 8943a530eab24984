import { mkdir } from "node:fs/promises";
import { allSettledOrThrow } from "@gantry/common/all-settled";
import type { Clock } from "@gantry/common/clock";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import type { Log } from "../../base/log.ts";
import { logConfigOf } from "../../logs/log-config.ts";
import { connectContainer, disconnectContainer, networkPath } from "../../networks/connect.ts";
import type { Tasks } from "../../supervisor/tasks.ts";
import type { EventHub } from "../../system/event-hub.ts";
import type { Container } from "../container.ts";
import { containerEvent, volumeEvents } from "../events.ts";
import { updateNeighbours, writeFiles } from "../files.ts";
import { joinedBy, joinedNetwork } from "./joining.ts";
import { recordContainer } from "./record.ts";
import { type SpecDeps, specFor } from "./spec-input.ts";
import { startError } from "./start-error.ts";

export interface LaunchDeps extends SpecDeps {
  readonly clock: Clock;
  readonly tasks: Tasks;
  readonly events: EventHub;
  readonly log: Log;
}

/** Starts the process. The caller holds the container's lock. */
export async function launch(deps: LaunchDeps, container: Container): Promise<void> {
  const { document, lifecycle, pendingAttachments } = container;
  let prepared = false;
  let startedAt = "";
  try {
    await lifecycle.taskDeletion;
    await prepare(deps, container);
    prepared = true;
    await deps.tasks.create(document.id, stdioOf(deps, container));
    pendingAttachments.connectAll();
    lifecycle.run.outOfMemory = false;
    startedAt = deps.clock.now();
    document.state.Pid = await deps.tasks.start({ containerId: document.id });
  } catch (error) {
    await undo(deps, container, prepared);
    const report = startError(document, error, prepared);
    deps.registry.save(container);
    pendingAttachments.failAll(report);
    throw report;
  }
  pendingAttachments.clear();
  markRunning(container, startedAt);
  deps.registry.save(container);
  volumeEvents(deps, container, "mount");
  containerEvent(deps, container, "start");
  void updateNeighbours(deps, document);
}

function markRunning({ document }: Container, StartedAt: string): void {
  Object.assign(document, { stoppedOnRequest: false, endReason: undefined, stopRequest: undefined });
  Object.assign(document.state, {
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    ExitCode: 0,
    Error: "",
    StartedAt,
  });
}

/**
 * Prepares the task: its record at the supervisor, its network, the files and directories that are mounted. The network
 * is set up here while the supervisor works.
 */
async function prepare(deps: LaunchDeps, container: Container): Promise<void> {
  const { document } = container;
  const spec = await specFor(deps, container, await networkOf(deps, document));
  const recording = recordContainer(deps, document, spec);
  const connecting = connectContainer(deps.networks, document);
  // The addresses are known as soon as connecting has begun; ports may take longer.
  const writing = writeFiles(deps, document);
  const sources = bindSources(document).map(makeBindSource);
  await allSettledOrThrow<unknown>([connecting, recording, writing, ...sources]);
}

/** Its network namespace: a path, or "host". One that shares another's network has that one's host name, too. */
async function networkOf(deps: LaunchDeps, document: Container["document"]): Promise<string> {
  const other = joinedBy(deps.registry, document.hostConfig.NetworkMode);
  if (!other) return networkPath(deps.networks, document);
  const path = await joinedNetwork(other);
  const { Hostname, Domainname } = other.document.config;
  Object.assign(document.config, { Hostname, Domainname });
  return path;
}

function bindSources({ mounts, hostConfig }: Container["document"]): string[] {
  if ((hostConfig.Binds ?? []).length === 0) return [];
  return mounts.filter((mount) => mount.Type === "bind").map((mount) => mount.Source);
}

/** Creates the directory that a bind names when it does not exist, as Docker does. */
async function makeBindSource(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

function stdioOf(deps: LaunchDeps, container: Container): Stdio {
  const { config, hostConfig, id } = container.document;
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  return {
    terminal: config.Tty ?? false,
    stdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
    log: logConfigOf(container.document, deps.paths.logFile(id)),
    ...(config.Tty && height > 0 && width > 0 ? { consoleSize: { width, height } } : {}),
  };
}

/** Releases the resources of a failed start. */
async function undo(deps: LaunchDeps, container: Container, prepared: boolean): Promise<void> {
  const { id } = container;
  const warn = (error: unknown) => {
    if (!isRpcError(error, "NotFound")) deps.log.warn({ id, error: messageOf(error) }, "undoing a failed start");
  };
  // A create that failed here may still be under way at the supervisor.
  if (prepared) await deps.tasks.discard(id).catch(warn);
  await disconnectContainer(deps.networks, container.document).catch(warn);
  try {
    deps.sharedMemory.remove(id);
  } catch (error) {
    warn(error);
  }
}
