import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { lockDirectory } from "@gantry/common/directory-lock";
import { messageOf } from "@gantry/common/error-message";
import { requireFreeEndpoint, type Server, serve } from "@gantry/ipc";
import { engineContract } from "@gantry/ipc/contracts/engine";
import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import { LOCK_EX, LOCK_NB, nativeSys } from "@gantry/native-sys";
import { assemble, type EngineParts } from "./assemble.ts";
import type { Log } from "./base/log.ts";
import { pathsOf } from "./base/paths.ts";
import { reconnect, recover } from "./containers/recovery/recover.ts";
import { enableForwarding } from "./networks/bridge.ts";
import { type Firewall, iptablesFirewall, noFirewall, requireIptables } from "./networks/firewall.ts";
import { restoreNetworks } from "./networks/manage.ts";
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
import { followSupervisor } from "./supervisor/follow.ts";
import { SupervisorLink } from "./supervisor/process.ts";

export interface Engine {
  readonly endpoint: string;
  /** Resolves when a caller has had everything shut down. */
  readonly ended: Promise<void>;
  /** Ends the engine; containers and supervisor go on. */
  close(): Promise<void>;
}

/** How long the end of an engine waits for its background work. */
const BACKGROUND_MS = 2000;

/** Starts an engine: the objects of an earlier one are recovered, then it serves. @throws Error in one sentence */
export async function startEngine(options: EngineOptions, log: Log): Promise<Engine> {
  mkdirSync(options.root, { recursive: true, mode: 0o711 });
  mkdirSync(options.state, { recursive: true, mode: 0o750 });
  const database = openDatabase(pathsOf(options.root, options.state).database);
  // Before anything is changed: recovery removes everything that this engine has no record of.
  const lock = lockState(options.state);
  await requireFreeEndpoint(options.endpoint);
  const firewall = await makeFirewall(options);
  const link = supervisorLink(options);
  await link.ready();
  const parts = assemble(options, { log, database, firewall, link });
  await parts.volumes.restore();
  await restoreNetworks(parts.networks, { bridge: options.bridge, address: options.bip });
  const following = new AbortController();
  await follow(parts, link, following.signal);
  const ended = Promise.withResolvers<void>();
  const shutdown = async () => {
    await stopAll(parts);
    // The losses that follow are intended: none is to be recovered from.
    following.abort();
    await takeDown(parts, firewall, options.supervisorEndpoint === undefined ? link : undefined);
    ended.resolve();
  };
  const server = await serveParts(parts, options.endpoint, shutdown);
  parts.events.emit("daemon", "start", "", {});
  return {
    endpoint: server.endpoint,
    ended: ended.promise,
    close: async () => {
      following.abort();
      // No pending restart by policy is to start anything from here on; the next engine takes it up.
      void parts.admission.close();
      await server.close({ deadlineMs: 500 });
      await Promise.race([parts.background.idle(), delay(BACKGROUND_MS, undefined, { ref: false })]);
      link.close();
      parts.networks.sandboxes.close();
      database.close();
      lock[Symbol.dispose]();
    },
  };
}

function serveParts(parts: EngineParts, endpoint: string, shutdown: () => Promise<void>): Promise<Server> {
  const { log } = parts;
  return serve(
    engineContract,
    {
      ...systemHandlers(parts, shutdown),
      ...containerHandlers(parts),
      ...execHandlers(parts.execs),
      ...imageHandlers(parts),
      ...volumeHandlers(parts.volumes),
      ...networkHandlers(parts),
    },
    { endpoint, onError: (error) => log.warn({ error: messageOf(error) }, "serving") },
  );
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

async function follow(parts: EngineParts, link: SupervisorLink, signal: AbortSignal): Promise<void> {
  await followSupervisor(
    parts.supervisor,
    {
      onEvent: (event) => onEvent(parts, event),
      onConnected: (first) => {
        parts.images.invalidate();
        return first ? recover(parts) : reconnect(parts);
      },
      available: () => link.ready(),
      log: parts.log,
    },
    signal,
  );
}

function onEvent({ images, registry, execs, exits }: EngineParts, event: SupervisorEvent): void {
  if (event.topic.startsWith("/images/")) images.invalidate();
  const container = event.topic.startsWith("/tasks/") ? registry.get(event.id) : undefined;
  if (!container) return;
  if (event.topic === "/tasks/oom") container.lifecycle.run.outOfMemory = true;
  if (event.topic !== "/tasks/exit" || event.exitStatus === undefined) return;
  const { exitStatus, time: exitedAt, pid, reason, execId } = event;
  if (execId !== undefined) execs.exited(execId, exitStatus);
  else exits.reportInBackground(container, { exitStatus, exitedAt, pid, reason });
}
