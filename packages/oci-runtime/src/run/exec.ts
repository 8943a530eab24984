import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import { type NamespaceType, type Process, SpecError, validateProcess, withoutNulls } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../cgroup/manager.ts";
import type { Host } from "../host.ts";
import { compileExec, namespaceFiles } from "../plan/compile-exec.ts";
import { execSlots, type Plan, syncPoints } from "../plan/op.ts";
import { demand, isAlive, stateDocument, statusOf } from "../state/lifecycle.ts";
import { ContainerError, type Record, type Store } from "../state/store.ts";
import { warnOfCapabilities } from "./create/create.ts";
import { type Launched, launch } from "./launch/launch.ts";
import { subCgroups } from "./limits/sub-cgroups.ts";
import { notifyVariable } from "./notify/notify-paths.ts";

export interface ExecRequest {
  readonly id: string;
  /** An OCI process object; checked here. */
  readonly process: unknown;
  readonly stdio: readonly [number, number, number];
  readonly preserve: readonly number[];
  readonly consoleSocket: number | undefined;
  /** The terminal's newlines stay as they are: this program carries its output over its own streams. */
  readonly plainNewlines?: boolean;
  /** Cgroups below the container's own to put it into, as --cgroup names them. */
  readonly cgroups?: readonly string[];
  /** Into a paused container, too: the process goes on when that does. */
  readonly ignorePaused?: boolean;
  readonly sibling: boolean;
  /** Socket of the keeper that makes the process its own child instead. */
  readonly keeper?: string | undefined;
}

/** Runs another process in a running container; returns once it has become the program. */
export async function execInContainer(host: Host, store: Store, request: ExecRequest): Promise<Launched> {
  const requested = checkedProcess(request.process);
  const record = store.load(request.id);
  const process = withDefaults(requested, record.spec.process);
  const status = statusOf(store, record, host.facts);
  if (status !== "paused" || !request.ignorePaused) demand("exec", status, request.id);
  if (process.terminal && request.consoleSocket === undefined)
    throw new ContainerError(
      "InvalidArgument",
      "cannot allocate tty if the runtime will detach without setting console socket",
    );
  warnOfCapabilities(host, process, record.spec.linux ?? {});
  const directory = openProcess(record);
  try {
    return await launch(host, {
      plan: planOf({ host, record, request, process, directory }),
      streams: [...request.stdio, ...request.preserve],
      others: [directory, ...(request.consoleSocket === undefined ? [] : [request.consoleSocket])],
      sibling: request.sibling,
      keeper: request.keeper,
      unlimited: status === "paused",
      onSync: async (point, pid, descriptor) => {
        if (point !== syncPoints.listener) return undefined;
        const { sendListener } = await import("./create/listener.ts");
        const { seccomp } = record.spec.linux ?? {};
        sendListener(host, { pid, descriptor, seccomp, state: stateDocument(record, "running") });
        return undefined;
      },
    });
  } finally {
    closeSync(directory);
  }
}

/**
 * Opens /proc/PID of the container's process. Look-ups through it reach that process or fail: its number may
 * come again as that of a process of the host.
 */
function openProcess(record: Record): number {
  let directory: number | undefined;
  try {
    directory = openSync(`/proc/${record.pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    // Gone.
  }
  if (directory !== undefined && isAlive(record)) return directory;
  if (directory !== undefined) closeSync(directory);
  throw new ContainerError("FailedPrecondition", `container not running: ${record.id}`);
}

interface Planning {
  readonly host: Host;
  readonly record: Record;
  readonly request: ExecRequest;
  readonly process: Process;
  /** /proc/PID, open. */
  readonly directory: number;
}

function planOf({ host, record, request, process, directory }: Planning): Plan {
  const { cgroups = [] } = request;
  const below = cgroups.length > 0;
  const cgroup = cgroupManager(host.facts, below ? subCgroups(host.facts, record.cgroups, cgroups) : record.cgroups);
  return compileExec({
    process,
    spec: record.spec,
    facts: host.facts,
    slots: execSlots(request.preserve.length),
    newKeyring: record.newKeyring,
    plainNewlines: request.plainNewlines ?? false,
    cgroupFiles: cgroup.joinFiles(),
    cloneInto: below ? cgroup.cloneInto() : cgroup.cloneInto(record.pid),
    namespaces: foreignNamespaces(directory),
  });
}

function checkedProcess(value: unknown): Process {
  const document = withoutNulls(value);
  const problems = validateProcess(document);
  if (problems.length > 0) throw new SpecError("invalid process", problems);
  return document as Process;
}

/**
 * A requested process is a program, its streams and its user. Its limits, capabilities, labels, priorities and umask are
 * those of the container's own process where it names none (as with runc).
 */
function withDefaults(requested: Process, own: Partial<Process> = {}): Process {
  const { terminal, consoleSize, user, args, env, cwd, noNewPrivileges, ...common } = own;
  const named = Object.entries(requested).filter(([, value]) => value !== "" && !isEmptyList(value));
  const process = { ...common, ...(Object.fromEntries(named) as unknown as Process) };
  const umask = requested.user?.umask ?? user?.umask;
  return umask === undefined ? process : { ...process, user: { uid: 0, gid: 0, ...process.user, umask } };
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The namespaces of a process that are not this one's own. Joining one's own user namespace is an error. */
function foreignNamespaces(directory: number): NamespaceType[] {
  return (Object.entries(namespaceFiles) as [NamespaceType, string][])
    .filter(([, file]) => link(`/proc/self/fd/${directory}/ns/${file}`) !== link(`/proc/self/ns/${file}`))
    .map(([type]) => type);
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The base of an `exec` without a process file: the container's own process. */
export function processOf(record: Record): Process {
  const { cwd = "/", env = [], ...process } = record.spec.process ?? {};
  return { ...process, cwd, env: env.filter((entry) => entry !== notifyVariable), terminal: false };
}
