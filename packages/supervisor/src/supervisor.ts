import { mkdirSync } from "node:fs";
import { BackgroundTasks } from "@gantry/common/background-tasks";
import { lockDirectory } from "@gantry/common/directory-lock";
import { IdleMemory } from "@gantry/common/memory";
import { version } from "@gantry/common/version";
import { expectConnections, serve } from "@gantry/ipc";
import { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { LOCK_EX, LOCK_NB, nativeSys } from "@gantry/native-sys";
import { Leases } from "./content/leases.ts";
import { ContentStore } from "./content/store.ts";
import { Collector } from "./gc/collector.ts";
import { ImageStore } from "./images/image-store.ts";
import { Unpacker } from "./images/unpack/unpacker.ts";
import type { SelfCommand } from "./layers/layer-process.ts";
import type { Log } from "./log.ts";
import { openMetadata } from "./metadata/index.ts";
import type { SnapshotterName } from "./metadata/snapshots.ts";
import { rootUuid } from "./root-identity.ts";
import { supervisorHandlers } from "./service/index.ts";
import { Snapshots, snapshotDirectory } from "./snapshots/snapshots.ts";
import { findSnapshotters } from "./snapshots/snapshotters.ts";
import { Bundles } from "./tasks/bundle.ts";
import { restoreTasks } from "./tasks/restore.ts";
import { StandbyPool } from "./tasks/standby-pool.ts";
import { Tasks } from "./tasks/tasks.ts";

export interface SupervisorOptions {
  /** Directory of durable state. */
  readonly root: string;
  /** Directory of state that a reboot clears. */
  readonly state: string;
  readonly address: string;
  /** Absolute paths of the binaries. */
  readonly shim: string;
  readonly ociRuntime: string;
  /** The command that starts this program, for work in a process of its own. */
  readonly self: SelfCommand;
  /** Standby shims. */
  readonly standby: number;
  /** Directories with HOST/hosts.toml or HOST/*.crt; the first that has a HOST is used. */
  readonly registryDirectories: readonly string[];
  /** Absent: overlayfs where it works, else native. */
  readonly snapshotter?: SnapshotterName | undefined;
}

export interface RunningSupervisor {
  readonly endpoint: string;
  /** Stops serving; containers and their shims keep running. */
  close(): Promise<void>;
}

/** Connections to shims: one per container, and the standby ones. More than one bridge has addresses for. */
const maxShims = 8192;

/** Starts a supervisor: restores the state of an earlier one, then serves. @throws Error with a message for the user */
export async function startSupervisor(options: SupervisorOptions, log: Log): Promise<RunningSupervisor> {
  const { root, state, address } = options;
  const native = nativeSys();
  makeDirectories(root, state);
  await expectConnections(maxShims);
  const lock = lockDirectory((fd) => native.flock(fd, LOCK_EX | LOCK_NB), {
    directory: root,
    file: "lock",
    holder: "supervisor",
    flag: "--root",
  });
  const onError = (error: unknown, task?: string) => log.warn({ err: error, task }, "background work failed");
  const background = new BackgroundTasks(onError, { sequential: true });

  const metadata = openMetadata(`${root}/metadata.db`, (error) =>
    log.warn({ err: error }, "a row of the metadata was skipped"),
  );
  const content = new ContentStore(root, metadata);
  const directory = snapshotDirectory(root);
  const snapshotters = findSnapshotters(native, directory, options.snapshotter);
  const snapshots = new Snapshots(directory, metadata, background, snapshotters);
  const stores = { metadata, content, snapshots, leases: new Leases(metadata) };
  const unpacker = new Unpacker(native, stores, { self: options.self, onNote: (note) => log.warn({}, note) });
  const images = new ImageStore(stores, unpacker);
  const bundles = new Bundles(native, state, snapshots);
  const standbyRuntime = { path: options.ociRuntime, root: `${state}/runtime`, worker: true };
  const shims = { path: options.shim, directory: `${state}/shims`, standbyRuntime };
  const pool = new StandbyPool({ ...shims, native, size: options.standby, onError }, background);
  const tasks = new Tasks({ native, shimPath: options.shim, metadata, bundles, pool, background, onError });

  content.removeLeftovers();
  unpacker.removeLeftovers();
  snapshots.removeLeftovers();
  await restoreTasks({ native, metadata, tasks, bundles, background, state });
  const collector = new Collector(stores, onError);
  collector.start();

  const memory = new IdleMemory();
  const handlers = supervisorHandlers({
    ...{ stores, collector, images, memory, bundles, tasks, native, root, state },
    uuid: rootUuid(root),
    shim: options.shim,
    ociRuntime: options.ociRuntime,
    registryDirectories: options.registryDirectories,
  });
  const server = await serve(supervisorContract, handlers, {
    endpoint: address,
    onError: (error) => log.warn({ err: error }, "a message could not be handled"),
  });
  pool.open();
  const { default: snapshotter, reason } = snapshotters;
  log.info({ snapshotter, reason }, `snapshots are kept by ${snapshotter}: ${reason}`);
  memory.releaseSoon();
  log.info({ version, address, root, state, pid: process.pid }, "serving");
  return {
    endpoint: server.endpoint,
    async close() {
      metadata.events.close();
      await server.close();
      collector.close();
      pool.close();
      await tasks.close();
      await background.idle();
      metadata.db.close();
      lock[Symbol.dispose]();
    },
  };
}

function makeDirectories(root: string, state: string): void {
  mkdirSync(root, { recursive: true, mode: 0o711 });
  // Holds the socket, and access to the socket is equal to root.
  mkdirSync(state, { recursive: true, mode: 0o700 });
  mkdirSync(`${state}/shims`, { recursive: true, mode: 0o700 });
}
