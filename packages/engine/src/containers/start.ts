import { mkdir } from "node:fs/promises";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError, RpcError } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import { now } from "../base/clock.ts";
import { conflict } from "../base/errors.ts";
import { logConfigOf } from "../logs/log-config.ts";
import { connectContainer, disconnectContainer, networkPath } from "../networks/connect.ts";
import type { Container } from "./container.ts";
import { containerEvent, volumeEvents } from "./events.ts";
import { updateNeighbours, writeFiles } from "./files.ts";
import { recordContainer } from "./record.ts";
import { specFor } from "./spec-input.ts";
import type { World } from "./world.ts";

/**
 * Starts a container on request; does nothing when it runs.
 * @throws RpcError FailedPrecondition for one that is paused or being removed; what the OCI runtime says otherwise
 */
export function startContainer(world: World, container: Container): Promise<void> {
  return container.lock.run(async () => {
    const { state } = container.document;
    if (container.removing) throw conflict("container is marked for removal and cannot be started");
    if (state.Paused) throw conflict("cannot start a paused container, try unpause instead");
    if (container.alive) return;
    clearTimeout(container.restartTimer);
    container.restartTimer = undefined;
    container.document.restartCount = 0;
    container.backoffMs = 100;
    await launch(world, container);
  });
}

/** Starts the process. The caller holds the container's lock. */
export async function launch(world: World, container: Container): Promise<void> {
  const { document } = container;
  let created = false;
  let prepared = false;
  let startedAt = "";
  try {
    await prepare(world, container);
    prepared = true;
    await world.supervisor.call("tasks.create", { containerId: document.id, stdio: stdioOf(world, container) }, slow);
    created = true;
    container.run++;
    for (const attachment of container.waiting) attachment.connect();
    container.outOfMemory = false;
    startedAt = now();
    const { pid } = await world.supervisor.call("tasks.start", { containerId: document.id }, slow);
    document.state.Pid = pid;
  } catch (error) {
    await failed(world, container, created);
    const report = startError(container, error, prepared);
    world.registry.save(container);
    for (const attachment of container.waiting) attachment.fail(report);
    container.waiting.clear();
    throw report;
  }
  container.waiting.clear();
  document.stoppedOnRequest = false;
  Object.assign(document.state, {
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    ExitCode: 0,
    Error: "",
    StartedAt: startedAt,
  });
  world.registry.save(container);
  volumeEvents(world, container, "mount");
  containerEvent(world, container, "start");
  void updateNeighbours(world, document);
}

/** A runtime may take its time on a busy machine. */
const slow = { timeoutMs: 120_000 };

/**
 * What the task needs: its record at the supervisor, its network, the files and directories that are mounted. While
 * the supervisor works, the network is made here.
 */
async function prepare(world: World, container: Container): Promise<void> {
  const { document } = container;
  const spec = await specFor(world, container, networkPath(world.networks, document));
  const recording = recordContainer(world, container, spec);
  const connecting = connectContainer(world.networks, document);
  // The addresses are known as soon as connecting has begun; ports may take longer.
  const writing = writeFiles(world, document);
  const sources = bindSources(document).map(makeBindSource);
  // All have to be over before a failure is cleared up.
  const results = await Promise.allSettled([connecting, recording, writing, ...sources]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function bindSources({ mounts, hostConfig }: Container["document"]): string[] {
  if ((hostConfig.Binds ?? []).length === 0) return [];
  return mounts.filter((mount) => mount.Type === "bind").map((mount) => mount.Source);
}

/** Docker makes the directory that a bind names when nothing is there. */
async function makeBindSource(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

function stdioOf(world: World, container: Container): Stdio {
  const { config, hostConfig, id } = container.document;
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  return {
    terminal: config.Tty ?? false,
    stdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
    log: logConfigOf(container.document, world.paths.logFile(id)),
    ...(config.Tty && height > 0 && width > 0 ? { consoleSize: { width, height } } : {}),
  };
}

/** Takes back what a start that failed had made. */
async function failed(world: World, container: Container, created: boolean): Promise<void> {
  const { id } = container;
  const report = (error: unknown) => {
    if (!isRpcError(error, "NotFound")) world.log.warn({ id, error: messageOf(error) }, "undoing a failed start");
  };
  if (created) await world.supervisor.call("tasks.kill", { containerId: id, signal: 9, all: true }).catch(() => {});
  await world.supervisor.call("tasks.delete", { containerId: id }).catch(report);
  await disconnectContainer(world.networks, container.document).catch(report);
}

/** Puts the failure into the container's state and into Docker's words, with the exit code for `run`. */
function startError(container: Container, error: unknown, prepared: boolean): RpcError {
  const { document } = container;
  const words = messageOf(error);
  const exitCode = exitCodeFor(words, [...(document.config.Entrypoint ?? []), ...(document.config.Cmd ?? [])][0] ?? "");
  // Users are looked up before the runtime has its turn; a network has words of its own.
  const fromRuntime = prepared && isRpcError(error) && !/^unable to find (user|group) /.test(words);
  const message = fromRuntime ? `failed to create task for container: ${words}${mountHint(words)}` : words;
  Object.assign(document.state, {
    Running: false,
    Restarting: false,
    Pid: 0,
    ExitCode: exitCode,
    Error: message,
  });
  const code = isRpcError(error) ? error.code : "Internal";
  return new RpcError(code, message, { ExitCode: exitCode }, { cause: error });
}

/** What to look at when a file is mounted on a directory, or the other way round. */
function mountHint(words: string): string {
  const mismatch = /^binding .+ to .+(EINVAL|ENOTDIR)/.test(words) || /mounting .*not a directory/.test(words);
  return mismatch
    ? ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type"
    : "";
}

/** 127 for a command that is not there, 126 for one that cannot be run, 128 for everything else: as Docker. */
export function exitCodeFor(words: string, command: string): number {
  if (!words.includes(command)) return 128;
  if (/executable file not found|no such file or directory|ENOENT/i.test(words)) return 127;
  return /permission denied|EACCES|is a directory|exec format error/i.test(words) ? 126 : 128;
}
