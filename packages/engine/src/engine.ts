import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BackgroundTasks } from "@gantry/common/background-tasks";
import { lockDirectory } from "@gantry/common/directory-lock";
import { messageOf } from "@gantry/common/error-message";
import { requireFreeEndpoint, serve } from "@gantry/ipc";
import { engineContract } from "@gantry/ipc/contracts/engine";
import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import { LOCK_EX, LOCK_NB, nativeSys } from "@gantry/native-sys";
import type { Log } from "./base/log.ts";
import { pathsOf } from "./base/paths.ts";
import { Signalled } from "./containers/container.ts";
import { containerDocument } from "./containers/document-schema.ts";
import { handleExit } from "./containers/exit.ts";
import { reconcile, recover } from "./containers/recover.ts";
import { Registry } from "./containers/registry.ts";
import type { World } from "./containers/world.ts";
import { Execs } from "./execs/execs.ts";
import { Images } from "./images/images.ts";
import { enableForwarding } from "./networks/bridge.ts";
import { networkDocument } from "./networks/document.ts";
import { type Firewall, iptablesFirewall, noFirewall, requireIptables } from "./networks/firewall.ts";
import { restoreNetworks } from "./networks/manage.ts";
import { Networks } from "./networks/networks.ts";
import { chainsOf } from "./networks/rules.ts";
import type { EngineOptions } from "./options.ts";
import { containerHandlers } from "./service/containers.ts";
import { execHandlers } from "./service/execs.ts";
import { imageHandlers } from "./service/images.ts";
import { networkHandlers } from "./service/networks.ts";
import { systemHandlers } from "./service/system.ts";
import { volumeHandlers } from "./service/volumes.ts";
import { stopAll, takeDown } from "./shut-down.ts";
import { openDatabase } from "./store/database.ts";
import { documents } from "./store/documents.ts";
import { followSupervisor } from "./supervisor/follow.ts";
import { inNamespace } from "./supervisor/link.ts";
import { SupervisorLink } from "./supervisor/process.ts";
import { EventHub } from "./system/event-hub.ts";
import { readHostFacts } from "./system/host-facts.ts";
import { volumeDocument } from "./volumes/document.ts";
import { Volumes } from "./volumes/volumes.ts";

export interface Engine {
  readonly endpoint: string;
  /** Resolves when someone has had everything shut down. */
  readonly ended: Promise<void>;
  /** Ends the engine; containers and supervisor go on. */
  close(): Promise<void>;
}

/** How long the end of an engine waits for what it is clearing away. */
const CLEARING_MS = 2000;

/** Starts an engine: everything of an earlier one is found again, then it serves. @throws Error in one sentence */
export async function startEngine(options: EngineOptions, log: Log): Promise<Engine> {
  mkdirSync(options.root, { recursive: true, mode: 0o711 });
  mkdirSync(options.state, { recursive: true, mode: 0o750 });
  const database = openDatabase(pathsOf(options.root, options.state).database);
  // Before anything is touched: what follows clears away whatever this engine does not know.
  const lock = lockState(options.state);
  await requireFreeEndpoint(options.endpoint);
  const firewall = await makeFirewall(options);
  const link = supervisorLink(options);
  await link.ready();
  const world = makeWorld(options, { log, database, firewall, link });
  const execs = new Execs(world);
  await world.volumes.restore();
  await restoreNetworks(world.networks, { bridge: options.bridge, address: options.bip });
  const following = new AbortController();
  await follow(world, { link, execs }, following.signal);
  const ended = new Signalled<void>();
  const server = await serve(
    engineContract,
    {
      ...systemHandlers(world, async () => {
        await stopAll(world);
        // What follows is no loss that would have to be made good.
        following.abort();
        await takeDown(world, firewall, options.supervisorEndpoint === undefined ? link : undefined);
        ended.fire();
      }),
      ...containerHandlers(world),
      ...execHandlers(execs),
      ...imageHandlers(world),
      ...volumeHandlers(world),
      ...networkHandlers(world),
    },
    { endpoint: options.endpoint, onError: (error) => log.warn({ error: messageOf(error) }, "serving") },
  );
  world.events.emit("daemon", "start", "", {});
  return {
    endpoint: server.endpoint,
    ended: ended.promise,
    close: async () => {
      following.abort();
      await server.close({ deadlineMs: 500 });
      await Promise.race([world.background.idle(), delay(CLEARING_MS, undefined, { ref: false })]);
      link.close();
      world.networks.sandboxes.close();
      database.close();
      lock[Symbol.dispose]();
    },
  };
}

function lockState(directory: string): Disposable {
  const tryLock = (fd: number) => nativeSys().flock(fd, LOCK_EX | LOCK_NB);
  return lockDirectory(tryLock, { directory, file: "engine.lock", holder: "engine", flag: "--state" });
}

async function makeFirewall(options: EngineOptions): Promise<Firewall> {
  if (!options.iptables) return noFirewall;
  await requireIptables();
  await enableForwarding();
  return iptablesFirewall(chainsOf(options.bridge, options.proxyPath === undefined));
}

function supervisorLink(options: EngineOptions): SupervisorLink {
  return new SupervisorLink({
    endpoint: options.supervisorEndpoint,
    binary: options.supervisorPath,
    root: join(options.root, "supervisor"),
    state: join(options.state, "supervisor"),
    shim: options.shim,
    ociRuntime: options.ociRuntime,
    standby: options.standby,
    snapshotter: options.storageDriver,
    registryConfig: options.registryConfig,
    logFile: join(options.root, "supervisor.log"),
  });
}

interface Parts {
  readonly log: Log;
  readonly database: ReturnType<typeof openDatabase>;
  readonly firewall: Firewall;
  readonly link: SupervisorLink;
}

function makeWorld(options: EngineOptions, { log, database, firewall, link }: Parts): World {
  const paths = pathsOf(options.root, options.state);
  const events = new EventHub();
  const supervisor = inNamespace(link.client);
  const onUnreadable = (message: string) =>
    log.error({ database: paths.database }, `${message}; the row is kept and left out`);
  const registry = new Registry(documents(database, { table: "containers", schema: containerDocument, onUnreadable }));
  const background = new BackgroundTasks((error, what) => log.warn({ error: messageOf(error) }, what));
  const volumes = new Volumes({
    native: nativeSys(),
    directory: paths.volumes,
    documents: documents(database, { table: "volumes", schema: volumeDocument, onUnreadable }),
    events,
    log,
    background,
    usersOf: (name) => registry.usersOf(name),
  });
  const networks = new Networks({
    native: nativeSys(),
    database,
    documents: documents(database, { table: "networks", schema: networkDocument, onUnreadable }),
    events,
    log,
    netnsDirectory: paths.netns,
    firewall,
    proxyPath: options.proxyPath,
    containers: () => registry.all().map(({ document }) => document),
    processOf: (reference) => {
      const container = registry.lookup(reference);
      return container?.alive ? { name: container.document.name, pid: container.document.state.Pid } : undefined;
    },
  });
  const { runtimes, defaultRuntime, cgroupParent, initPath, cpus } = options;
  const settings = { runtimes, defaultRuntime, cgroupParent, initPath, cpus };
  const images = new Images(supervisor);
  const facts = readHostFacts();
  return { registry, supervisor, images, volumes, networks, events, paths, facts, settings, log, background };
}

async function follow(world: World, parts: { link: SupervisorLink; execs: Execs }, signal: AbortSignal): Promise<void> {
  const { link, execs } = parts;
  await followSupervisor(
    world.supervisor,
    {
      onEvent: (event) => onEvent(world, execs, event),
      onConnected: (first) => {
        world.images.invalidate();
        return first ? recover(world) : reconcile(world);
      },
      available: () => link.ready(),
      log: world.log,
    },
    signal,
  );
}

function onEvent(world: World, execs: Execs, event: SupervisorEvent): void {
  if (event.topic.startsWith("/images/")) world.images.invalidate();
  const container = event.topic.startsWith("/tasks/") ? world.registry.get(event.id) : undefined;
  if (!container) return;
  if (event.topic === "/tasks/oom") container.outOfMemory = true;
  if (event.topic !== "/tasks/exit" || event.exitStatus === undefined) return;
  if (event.execId !== undefined) execs.exited(event.execId, event.exitStatus);
  else {
    const { exitStatus, time: exitedAt, pid, reason } = event;
    const exit = { exitStatus, exitedAt, pid, reason };
    handleExit(world, container, exit)
      .catch((error: unknown) => {
        world.log.error({ id: container.id, error: messageOf(error) }, "working off the end of a container");
      })
      .finally(() => {
        if (!container.alive) execs.abandon(container);
      });
  }
}
