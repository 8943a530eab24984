import { BackgroundTasks } from "@gantry/common/background-tasks";
import { Clock } from "@gantry/common/clock";
import { messageOf } from "@gantry/common/error-message";
import { nativeSys } from "@gantry/native-sys";
import type { Log } from "./base/log.ts";
import { type Paths, pathsOf } from "./base/paths.ts";
import { statusOf } from "./containers/document.ts";
import { containerDocument } from "./containers/document-schema.ts";
import { execTarget } from "./containers/exec-target.ts";
import { SharedMemory } from "./containers/launch/shared-memory.ts";
import { Admission } from "./containers/lifecycle/admission.ts";
import { Exits } from "./containers/lifecycle/exits.ts";
import { removeAfterExit } from "./containers/lifecycle/remove.ts";
import { scheduleRestart } from "./containers/lifecycle/restart-policy.ts";
import type { RecoverDeps } from "./containers/recovery/recover.ts";
import { Registry } from "./containers/registry.ts";
import { Execs } from "./execs/execs.ts";
import type { RemoveImageDeps } from "./images/deps.ts";
import { Images } from "./images/images.ts";
import { networkDocument } from "./networks/document.ts";
import type { Firewall } from "./networks/firewall.ts";
import { noFlows, trackedFlows } from "./networks/flows.ts";
import { Networks } from "./networks/networks.ts";
import type { EngineOptions } from "./options.ts";
import type { ContainerServiceDeps } from "./service/containers.ts";
import type { openDatabase } from "./store/database.ts";
import { documents } from "./store/documents.ts";
import { ContainerRecords } from "./supervisor/container-records.ts";
import { inNamespace } from "./supervisor/link.ts";
import type { SupervisorLink } from "./supervisor/process.ts";
import { RootFilesystems } from "./supervisor/root-filesystems.ts";
import { Tasks } from "./supervisor/tasks.ts";
import { EventHub } from "./system/event-hub.ts";
import { readHostFacts } from "./system/host-facts.ts";
import type { InfoDeps } from "./system/info.ts";
import { StorageDriver } from "./system/storage.ts";
import { volumeDocument } from "./volumes/document.ts";
import { Volumes } from "./volumes/volumes.ts";

export interface Foundations {
  readonly log: Log;
  readonly database: ReturnType<typeof openDatabase>;
  readonly firewall: Firewall;
  readonly link: SupervisorLink;
}

/** The parts of a running engine. Functions take those of them that they use. */
export type EngineParts = ContainerServiceDeps & RecoverDeps & RemoveImageDeps & InfoDeps & { readonly execs: Execs };

/** Puts the engine's parts together; nothing is read from the supervisor or changed on this machine. */
export function assemble(options: EngineOptions, foundations: Foundations): EngineParts {
  const { log, link } = foundations;
  const paths = pathsOf(options.root, options.state);
  const supervisor = inNamespace(link.client);
  const tasks = new Tasks(supervisor);
  const { runtimes, defaultRuntime, cgroupParent, initPath, cpus } = options;
  const stores = openStores(options, paths, foundations);
  const { registry } = stores;
  const shared = {
    ...stores,
    paths,
    log,
    supervisor,
    tasks,
    sharedMemory: new SharedMemory(nativeSys(), paths.sharedMemory),
    records: new ContainerRecords(supervisor, tasks),
    rootfs: new RootFilesystems(supervisor),
    images: new Images(supervisor),
    storage: new StorageDriver(supervisor),
    facts: readHostFacts(),
    settings: { runtimes, defaultRuntime, cgroupParent, initPath, cpus },
    admission: new Admission(),
    containerStates: () => registry.all().map(({ document }) => statusOf(document)),
    imageUsers: () =>
      registry.all().map(({ id, document }) => ({ id, imageId: document.imageId, isRunning: document.state.Running })),
  };
  const execs = new Execs({
    tasks,
    capabilities: shared.facts.capabilities,
    findTarget: (reference) => execTarget(shared, registry.find(reference)),
    admit: () => shared.admission.check(),
    log,
  });
  const parts: EngineParts = {
    ...shared,
    execs,
    execIds: (containerId) => execs.idsOf(containerId),
    exits: new Exits(shared),
  };
  followExits(parts);
  return parts;
}

/** Subscribes to exits: each decision has one listener. */
function followExits(parts: EngineParts): void {
  parts.exits.subscribe((container) => parts.execs.containerExited(container.id));
  parts.exits.subscribe((container, decision) => {
    if (decision.kind === "remove") removeAfterExit(parts, container);
  });
  parts.exits.subscribe((container, decision) => {
    if (decision.kind === "restart") scheduleRestart(parts, container, decision.delayMs);
  });
}

/** The durable objects and their events. */
function openStores(options: EngineOptions, paths: Paths, { log, database, firewall }: Foundations) {
  const clock = new Clock();
  const events = new EventHub(clock);
  const background = new BackgroundTasks((error, action) => log.warn({ error: messageOf(error) }, action));
  const onUnreadable = (message: string) =>
    log.error({ database: paths.database }, `${message}; the row is kept and left out`);
  const registry = new Registry(documents(database, { table: "containers", schema: containerDocument, onUnreadable }));
  const volumes = new Volumes({
    native: nativeSys(),
    clock,
    directory: paths.volumes,
    documents: documents(database, { table: "volumes", schema: volumeDocument, onUnreadable }),
    events,
    log,
    background,
    usersOf: (name) => registry.usersOf(name),
  });
  const networks = new Networks({
    native: nativeSys(),
    clock,
    database,
    documents: documents(database, { table: "networks", schema: networkDocument, onUnreadable }),
    events,
    log,
    netnsDirectory: paths.netns,
    firewall,
    flows: options.iptables ? trackedFlows(log) : noFlows,
    proxyPath: options.proxyPath,
    containers: () => registry.all().map(({ document }) => document),
  });
  return { clock, events, registry, volumes, networks, background };
}
