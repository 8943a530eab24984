import { closeSync, constants, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path/posix";
import type { Host } from "../../host.ts";
import { demand, statusOf } from "../../state/lifecycle.ts";
import { ContainerError, type Record, type Store } from "../../state/store.ts";
import { deleteContainer } from "../delete.ts";
import { externalMountsOf } from "./mounts.ts";
import { externalNamespaces } from "./namespaces.ts";
import { type CriuOptions, requestTypes } from "./options.ts";
import { findCriu, runCriu } from "./session.ts";
import { externalFiles, saveStreams, streamsOf } from "./streams.ts";

/** Settings of both checkpoint and restore. */
export interface CriuSettings {
  /** CRIU's program, and where it is looked for. */
  readonly program: string;
  readonly path: string | undefined;
  /** Directory of the images. */
  readonly images: string;
  /** Directory of the log; that of the images where absent. */
  readonly work: string | undefined;
  /** Options that are passed to CRIU unchanged. */
  readonly flags: Pick<
    CriuOptions,
    | "tcpEstablished"
    | "extUnixSk"
    | "shellJob"
    | "fileLocks"
    | "cgroupMode"
    | "emptyNamespaces"
    | "autoDedup"
    | "lazyPages"
  >;
}

export interface CheckpointRequest extends CriuSettings {
  readonly id: string;
  readonly leaveRunning: boolean;
  /** Files that are open but have no name any more get one again, so that they can be opened at the restore. */
  readonly linkRemap: boolean;
  /** Connections that are being made are left out. */
  readonly tcpSkipInFlight: boolean;
  /** Only the memory, for a first round; the container runs on. */
  readonly preDump: boolean;
  /** Images of the round before, relative to these. */
  readonly parent: string | undefined;
  readonly pageServer: CriuOptions["pageServer"];
  /** Gets a zero byte once the pages can be requested. */
  readonly statusFd: number | undefined;
}

const logFile = "dump.log";

/**
 * Writes a container's processes to files. Unless it is left running it is gone then.
 * @throws ContainerError; Error with CRIU's reason: the container runs on then
 */
export async function checkpointContainer(host: Host, store: Store, request: CheckpointRequest): Promise<void> {
  const record = store.load(request.id);
  demand("checkpoint", statusOf(store, record, host.facts), request.id);
  const program = findCriu(request.program, request.path);
  const directories = openDirectories(request);
  try {
    checkParent(request);
    const streams = streamsOf(record.pid);
    if (!request.preDump) saveStreams(request.images, streams);
    await withNull((nothing) =>
      runCriu(host, {
        program,
        type: request.preDump ? requestTypes.preDump : requestTypes.dump,
        options: dumpOptions(host, record, { request, directories, streams }),
        streams: [nothing, nothing, nothing],
        extra: [],
        log: directories.log(logFile),
        onNotice: async ({ point }) => {
          if (point === "status-ready" && request.statusFd !== undefined) writeSync(request.statusFd, "\0");
        },
      }),
    );
  } finally {
    directories.close();
  }
  if (!request.leaveRunning && !request.preDump) await deleteContainer(host, store, { id: request.id, force: true });
}

/** CRIU would write all of the memory without the images that it cannot find. @throws ContainerError */
function checkParent({ images, parent }: CheckpointRequest): void {
  if (parent === undefined) return;
  const path = join(images, parent);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new ContainerError("InvalidArgument", `invalid --parent-path: there is no directory ${path}`);
}

interface Dumping {
  readonly request: CheckpointRequest;
  readonly directories: Directories;
  readonly streams: readonly string[];
}

function dumpOptions({ facts }: Host, record: Record, { request, directories, streams }: Dumping): CriuOptions {
  const freezer = facts.cgroup.hierarchies.find(
    ({ controllers, version }) => controllers.includes("freezer") || (version === 2 && facts.cgroup.mode === "v2"),
  );
  return {
    ...request.flags,
    ...directories.fds,
    logFile,
    pid: record.pid,
    root: record.rootfs,
    leaveRunning: request.leaveRunning,
    linkRemap: request.linkRemap,
    tcpSkipInFlight: request.tcpSkipInFlight,
    parentImage: request.parent,
    pageServer: request.pageServer,
    freezeCgroup: freezer && record.cgroups[freezer.name],
    external: [...externalNamespaces(record.spec), ...externalFiles(streams)],
    externalMounts: request.preDump ? [] : externalMountsOf(record.pid, record.spec, record.rootfs),
  };
}

export interface Directories {
  readonly fds: Pick<CriuOptions, "imagesFd" | "workFd">;
  log(name: string): string;
  close(): void;
}

/** Makes and opens the directories that CRIU is to use. @throws Error naming the unusable one */
export function openDirectories({ images, work }: Pick<CriuSettings, "images" | "work">): Directories {
  const open = (path: string) => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  };
  const imagesFd = open(images);
  const workFd = work === undefined ? undefined : open(work);
  return {
    fds: { imagesFd, workFd },
    log: (name) => join(work ?? images, name),
    close: () => {
      closeSync(imagesFd);
      if (workFd !== undefined) closeSync(workFd);
    },
  };
}

async function withNull(work: (fd: number) => Promise<unknown>): Promise<void> {
  const fd = openSync("/dev/null", constants.O_RDWR);
  try {
    await work(fd);
  } finally {
    closeSync(fd);
  }
}
