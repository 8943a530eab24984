import { closeSync, constants, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path/posix";
import { MNT_DETACH, parseMountinfo, S_IFIFO } from "@gantry/native-sys";
import { type Linux, type Process, parseSpec, type Spec } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../../cgroup/manager.ts";
import { containerCgroups } from "../../cgroup/none.ts";
import { checkUsable } from "../../cgroup/paths.ts";
import { containerResources } from "../../cgroup/resources.ts";
import type { Host } from "../../host.ts";
import { ignoredCapabilities } from "../../plan/capabilities.ts";
import { compile } from "../../plan/compile.ts";
import { mappedMounts } from "../../plan/mapped-mounts.ts";
import { inheritsMounts } from "../../plan/namespaces.ts";
import { type Plan, PlanError, slotsFor } from "../../plan/op.ts";
import { processStat } from "../../state/lifecycle.ts";
import { ContainerError, type Record, type Store } from "../../state/store.ts";
import { type Launched, launch } from "../launch/launch.ts";
import { enterScope, plannedScope, type Scope } from "../limits/scope.ts";
import { type Creation, parentsRemover, undo } from "./creation.ts";
import { checkHostNamespaces } from "./host-namespaces.ts";
import { rdtOf, serveSync } from "./sync.ts";

export interface CreateRequest {
  readonly id: string;
  /** Directory that holds config.json. */
  readonly bundle: string;
  /** The result of readConfig, where the caller has it already. */
  readonly spec?: Spec;
  /** Standard streams of the process; with a terminal they are replaced. */
  readonly stdio: readonly [number, number, number];
  /** Descriptors that the process keeps as 3, 4, … */
  readonly preserve: readonly number[];
  /** Added to the environment of the process. */
  readonly environment?: readonly string[];
  /** Called when the container's directory is there, before anything else is made. */
  readonly onReserved?: () => void;
  /** A connected Unix socket that receives the terminal's master; required with a terminal, and only then. */
  readonly consoleSocket: number | undefined;
  /** The terminal's newlines stay as they are: this program carries its output over its own streams. */
  readonly plainNewlines?: boolean;
  readonly noPivot: boolean;
  readonly newKeyring: boolean;
  /** Make the container's process a child of this process's parent. */
  readonly sibling: boolean;
  /** Socket of the keeper that makes the process its own child instead. */
  readonly keeper?: string | undefined;
}

/**
 * Creates a container up to the point where its process waits for `start`.
 * @throws SpecError, PlanError, ContainerError, OperationError; nothing is left behind then
 */
export async function createContainer(host: Host, store: Store, request: CreateRequest): Promise<Launched> {
  store.checkId(request.id);
  const spec = checkedSpec(host, request);
  const rootfs = findRootfs(spec, request.bundle);
  const scope = await plannedScope(host, spec, request.id);
  try {
    return await createIn(host, store, { request, spec, rootfs, scope });
  } finally {
    scope?.systemd.close();
  }
}

interface Checked {
  readonly request: CreateRequest;
  readonly spec: Spec;
  readonly rootfs: string;
  readonly scope: Scope | undefined;
}

async function createIn(host: Host, store: Store, { request, spec, rootfs, scope }: Checked): Promise<Launched> {
  const paths = scope?.paths ?? containerCgroups(host, spec, request.id);
  const cgroup = cgroupManager(host.facts, paths);
  store.reserve(request.id);
  const record = newRecord(request, spec, { rootfs, cgroups: paths, ...(scope && { scope: scope.unit }) });
  const creation: Creation = { host, store, request, spec, cgroup, scope, undo: [], record };
  try {
    checkUsable(host.facts, paths);
  } catch (error) {
    store.remove(request.id);
    throw error;
  }
  try {
    store.save(record);
    request.onReserved?.();
    creation.undo.push({ back: parentsRemover(Object.values(paths)) });
    if (inheritsMounts(spec.linux ?? {})) creation.undo.push({ back: newMountsRemover(host, rootfs) });
    if (!scope) {
      host.debug?.(`cgroup: making ${Object.values(paths).join(", ") || "none"}`);
      cgroup.create();
      await cgroup.apply(containerResources(spec.linux?.resources), host);
    }
    return await startInit(creation, paths);
  } catch (error) {
    await undo(creation);
    throw error;
  } finally {
    for (const step of creation.undo) step.close?.();
  }
}

/** Detaches, with all below, what will be mounted on the root file system from now on in the runtime's own namespace. */
function newMountsRemover({ native }: Host, rootfs: string): () => void {
  const count = () =>
    parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).filter(({ mountPoint }) => mountPoint === rootfs)
      .length;
  const before = count();
  return () => {
    for (let left = count(); left > before; left--) native.umount(rootfs, MNT_DETACH);
  };
}

function checkedSpec(host: Host, request: CreateRequest): Spec {
  const spec = request.spec ?? readConfig(request.bundle);
  checkTerminal(spec, request);
  checkHostNamespaces(spec);
  if (request.environment && spec.process) addTo(spec.process, request.environment);
  warnOfCapabilities(host, spec.process, spec.linux ?? {});
  return spec;
}

function addTo(process: Process, environment: readonly string[]): void {
  if (environment.length > 0) process.env = [...(process.env ?? []), ...environment];
}

export function warnOfCapabilities({ facts, warn }: Host, process: Process | undefined, linux: Linux): void {
  for (const name of ignoredCapabilities(process?.capabilities ?? {}, { facts, linux }))
    warn(`process.capabilities: ${name} is unknown, or not this process's to grant, and ignored`);
  const { ambient = [], permitted = [], inheritable = [] } = process?.capabilities ?? {};
  for (const name of ambient)
    if (!permitted.includes(name) || !inheritable.includes(name))
      warn(`can't raise ambient capability ${name}: it must be permitted and inheritable too`);
}

/** @throws Error, SpecError */
export function readConfig(bundle: string): Spec {
  const path = join(bundle, "config.json");
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error(`JSON specification file ${path} not found`);
    throw error;
  }
  return parseSpec(bytes);
}

function checkTerminal(spec: Spec, { consoleSocket }: CreateRequest): void {
  const terminal = spec.process?.terminal === true;
  if (terminal && consoleSocket === undefined)
    throw new ContainerError(
      "InvalidArgument",
      "cannot allocate tty if the runtime will detach without setting console socket",
    );
  if (!terminal && consoleSocket !== undefined)
    throw new ContainerError("InvalidArgument", "cannot use console socket if the process has no tty");
}

/** The root file system of a bundle, without links. @throws Error, PlanError */
export function findRootfs(spec: Spec, bundle: string): string {
  const path = spec.root?.path ?? "";
  const wanted = isAbsolute(path) ? path : join(bundle, path);
  let rootfs: string;
  try {
    rootfs = realpathSync(wanted);
  } catch (error) {
    throw new Error(`root.path: ${wanted}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
  if (!statSync(rootfs).isDirectory()) throw new Error(`root.path: ${wanted} is not a directory`);
  if (rootfs === "/") throw new PlanError("root.path must not be the host's own root directory");
  return rootfs;
}

/** The record of a container that has no process yet. */
export function newRecord(
  request: CreateRequest,
  spec: Spec,
  found: Pick<Record, "rootfs" | "cgroups" | "scope">,
): Record {
  return {
    id: request.id,
    bundle: request.bundle,
    ...found,
    created: new Date().toISOString(),
    newKeyring: request.newKeyring,
    pid: 0,
    startTime: "",
    owner: String(process.getuid?.() ?? 0),
    spec,
  };
}

async function startInit(creation: Creation, paths: Record["cgroups"]): Promise<Launched> {
  const { host, store, request, spec, cgroup, scope, record } = creation;
  const resources = containerResources(spec.linux?.resources);
  const plan = planOf(creation, paths);
  const pipes: number[] = [];
  let trees: number[] = [];
  try {
    for (const path of [store.startPipe(request.id), store.resultPipe(request.id)]) pipes.push(openPipe(host, path));
    if (mappedMounts(spec).length > 0) trees = await openTrees(host, request.bundle, spec);
    const launched = await launch(host, {
      plan,
      streams: [...request.stdio, ...request.preserve],
      others: [...pipes, ...trees, ...(request.consoleSocket === undefined ? [] : [request.consoleSocket])],
      sibling: request.sibling,
      keeper: request.keeper,
      ...(scope && { onSpawn: (pid) => enterScope({ host, record, cgroup, scope, pid, resources }) }),
      onSync: (point, pid, detail) => serveSync(creation, { point, pid, detail }),
    });
    try {
      await finishRecord(creation, launched.pid);
    } catch (error) {
      host.native.closeFd(launched.pidFd);
      throw error;
    }
    return launched;
  } finally {
    for (const fd of [...pipes, ...trees]) closeSync(fd);
  }
}

function planOf({ host, request, spec, cgroup, scope, record }: Creation, paths: Record["cgroups"]): Plan {
  return compile({
    spec,
    facts: host.facts,
    options: {
      id: request.id,
      bundle: request.bundle,
      rootfs: record.rootfs,
      cgroupFiles: cgroup.joinFiles(),
      cloneInto: scope ? undefined : cgroup.cloneInto(),
      cgroupPaths: paths,
      slots: slotsFor(request.preserve.length, mappedMounts(spec).length),
      noPivot: request.noPivot,
      newKeyring: request.newKeyring,
      plainNewlines: request.plainNewlines ?? false,
    },
  });
}

async function openTrees(host: Host, bundle: string, spec: Spec): Promise<number[]> {
  const { openMappedTrees } = await import("./mapped-trees.ts");
  return openMappedTrees(host, bundle, spec);
}

/** Opened for both directions, a named pipe neither blocks its opener nor reports end of file before the last of them has closed it. */
function openPipe({ native }: Host, path: string): number {
  native.mknod(path, S_IFIFO | 0o600, 0, 0);
  return openSync(path, constants.O_RDWR);
}

async function finishRecord(creation: Creation, pid: number): Promise<void> {
  const stat = processStat(pid);
  if (!stat) throw new Error("the container's process ended at once: it was killed");
  creation.record = { ...creation.record, pid, startTime: stat.startTime, ...(await rdtOf(creation, pid)) };
  creation.store.save(creation.record);
}
