import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path/posix";
import { MNT_DETACH, MS_BIND, MS_REC } from "@gantry/native-sys";
import type { Spec } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../../cgroup/manager.ts";
import { containerCgroups } from "../../cgroup/none.ts";
import { checkUsable } from "../../cgroup/paths.ts";
import { containerResources } from "../../cgroup/resources.ts";
import type { Host } from "../../host.ts";
import { processStat, stateDocument } from "../../state/lifecycle.ts";
import type { Store } from "../../state/store.ts";
import { type CreateRequest, findRootfs, newRecord, readConfig } from "../create/create.ts";
import { type Creation, parentsRemover, undo } from "../create/creation.ts";
import { runHooks } from "../hooks.ts";
import { enterScope, plannedScope, type Scope } from "../limits/scope.ts";
import { type CriuSettings, type Directories, openDirectories } from "./checkpoint.ts";
import { externalMountsFor } from "./mounts.ts";
import { type OpenNamespaces, openNamespaces } from "./namespaces.ts";
import { type CriuOptions, requestTypes } from "./options.ts";
import { findCriu, type Notice, runCriu } from "./session.ts";
import { inheritedStreams } from "./streams.ts";

export interface RestoreRequest
  extends CriuSettings,
    Pick<CreateRequest, "id" | "bundle" | "spec" | "stdio" | "consoleSocket" | "onReserved"> {
  readonly lsmProfile: string | undefined;
  readonly lsmMountContext: string | undefined;
}

const logFile = "restore.log";
/** CRIU's first descriptor after its streams and its socket. */
const firstExtra = 4;

/**
 * Makes a container from a checkpoint's files; its first process is a child of this one.
 * @returns its id on the host
 * @throws SpecError, ContainerError; Error with CRIU's reason: nothing is left behind then
 */
export async function restoreContainer(host: Host, store: Store, request: RestoreRequest): Promise<number> {
  store.checkId(request.id);
  const program = findCriu(request.program, request.path);
  const spec = request.spec ?? readConfig(request.bundle);
  const scope = await plannedScope(host, spec, request.id);
  try {
    return await restoreWith(host, store, { request, program, spec, scope });
  } finally {
    scope?.systemd.close();
  }
}

async function restoreWith(host: Host, store: Store, planned: Planned): Promise<number> {
  const inherit = inheritedStreams(planned.request.images);
  const namespaces = openNamespaces(planned.spec, firstExtra);
  const directories = openDirectories(planned.request);
  try {
    return await restoreIn(host, store, { ...planned, inherit, namespaces, directories });
  } finally {
    namespaces.close();
    directories.close();
  }
}

interface Planned {
  readonly request: RestoreRequest;
  readonly program: string;
  readonly spec: Spec;
  readonly scope: Scope | undefined;
}

interface Restoring extends Planned {
  readonly inherit: readonly { readonly key: string; readonly fd: number }[];
  readonly namespaces: OpenNamespaces;
  readonly directories: Directories;
}

async function restoreIn(host: Host, store: Store, restoring: Restoring): Promise<number> {
  const { request, spec, scope } = restoring;
  const creation = begin(host, store, restoring);
  const root = join(store.directory(request.id), "criu-root");
  try {
    store.save(creation.record);
    request.onReserved?.();
    creation.undo.push({ back: parentsRemover(Object.values(creation.record.cgroups)) });
    if (!scope) {
      creation.cgroup.create();
      await creation.cgroup.apply(containerResources(spec.linux?.resources), host);
    }
    mkdirSync(root, { mode: 0o700 });
    host.native.mount(creation.record.rootfs, root, null, MS_BIND | MS_REC, null);
    creation.undo.push({ back: () => removeRoot(host, root) });
    const pid = await restored(creation, restoring, root);
    const stat = processStat(pid);
    if (!stat) throw new Error("the restored process ended at once");
    creation.record = { ...creation.record, pid, startTime: stat.startTime };
    store.save(creation.record);
    removeRoot(host, root);
    return pid;
  } catch (error) {
    await undo(creation);
    throw error;
  }
}

function begin(host: Host, store: Store, { request, spec, scope }: Restoring): Creation {
  const rootfs = findRootfs(spec, request.bundle);
  const cgroups = scope?.paths ?? containerCgroups(host, spec, request.id);
  const created: CreateRequest = { ...request, spec, preserve: [], noPivot: false, newKeyring: true, sibling: false };
  store.reserve(request.id);
  try {
    checkUsable(host.facts, cgroups);
  } catch (error) {
    store.remove(request.id);
    throw error;
  }
  const record = newRecord(created, spec, { rootfs, cgroups, ...(scope && { scope: scope.unit }) });
  const cgroup = cgroupManager(host.facts, cgroups);
  return { host, store, request: created, spec, cgroup, scope, undo: [], record };
}

/** Its mounts go with it. */
function removeRoot({ native }: Host, root: string): void {
  native.umount(root, MNT_DETACH);
  rmdirSync(root);
}

async function restored(creation: Creation, restoring: Restoring, root: string): Promise<number> {
  const { host, record, spec } = creation;
  const { request, program, inherit, namespaces, directories } = restoring;
  const roots: { controller: string; path: string }[] = [];
  const options: CriuOptions = {
    ...request.flags,
    ...directories.fds,
    logFile,
    root,
    sibling: true,
    cgroupRoots: roots,
    inherit: [...inherit, ...namespaces.inherit],
    joinNamespaces: namespaces.join,
    external: [],
    externalMounts: externalMountsFor(spec, record.rootfs, record.cgroups),
    lsmProfile: request.lsmProfile,
    lsmMountContext: request.lsmMountContext,
  };
  return runCriu(host, {
    program,
    type: requestTypes.restore,
    options,
    streams: request.stdio,
    extra: namespaces.fds,
    log: directories.log(logFile),
    // CRIU puts the restored processes where it is itself.
    onSpawn: async (pid) => {
      await enterCgroups(creation, pid);
      roots.push(...cgroupRoots(pid));
    },
    onNotice: (notice) => serveNotice(creation, request, notice),
  });
}

/** Puts CRIU's process where the container is to be: a scope is made around it. */
async function enterCgroups({ host, record, cgroup, scope, spec }: Creation, pid: number): Promise<void> {
  const resources = containerResources(spec.linux?.resources);
  if (scope) await enterScope({ host, record, cgroup, scope, pid, resources });
  else for (const path of Object.values(record.cgroups)) writeFileSync(join(path, "cgroup.procs"), String(pid));
}

/** Where a process is in each hierarchy (proc_pid_cgroup in cgroups(7)). */
function cgroupRoots(pid: number): { controller: string; path: string }[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, controller = "", ...path] = line.split(":");
    return { controller: controller.replace(/^name=/, ""), path: path.join(":") };
  });
}

async function serveNotice({ host, record, spec }: Creation, request: RestoreRequest, notice: Notice): Promise<void> {
  if (notice.point === "orphan-pts-master") {
    const [master] = notice.fds;
    if (master !== undefined && request.consoleSocket !== undefined)
      host.native.sendFds(request.consoleSocket, Buffer.from("/dev/ptmx"), [master]);
  } else if (notice.point === "setup-namespaces") {
    const state = stateDocument({ ...record, pid: notice.pid }, "creating");
    await runHooks(host, "prestart", spec.hooks?.prestart, state);
    await runHooks(host, "createRuntime", spec.hooks?.createRuntime, state);
  }
}
