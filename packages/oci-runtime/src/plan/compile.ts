import { join } from "node:path/posix";
import { MOUNT_ATTR_RDONLY, MS_PRIVATE } from "@gantry/native-sys";
import { type Hook, type Process, type Spec, sysctlPath } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { deviceOps } from "./devices.ts";
import { propagationTypes } from "./mount-options.ts";
import { mountOps } from "./mounts.ts";
import { inheritsMounts, namespacePlan, outsideWrites } from "./namespaces.ts";
import { gather, type Op, type Plan, PlanError, type Slots, syncPoints } from "./op.ts";
import { defaultUmask, oomOps, processOps, rlimitOps } from "./process.ts";
import { allProcessors } from "./scheduling.ts";

/** Inputs of a plan other than the configuration and the host. */
export interface CompileOptions {
  readonly id: string;
  /** Absolute path of the bundle. */
  readonly bundle: string;
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  /** Files that a process joins the container's cgroups by, by writing "0". */
  readonly cgroupFiles: readonly string[];
  /** The container's cgroup of version 2, where there is one. */
  readonly cloneInto: string | undefined;
  /** The container's directory in each hierarchy, by the hierarchy's name. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
  readonly slots: Slots;
  readonly noPivot: boolean;
  readonly newKeyring: boolean;
  /** A terminal passes newlines on without carriage returns, for a command in the foreground. */
  readonly plainNewlines?: boolean;
}

export interface CompileInput {
  readonly spec: Spec;
  readonly facts: Facts;
  readonly options: CompileOptions;
}

/**
 * Compiles a checked configuration to the plan of `create`. Pure: no file, clock or environment is read.
 * @throws PlanError naming each part of the configuration that is not supported
 */
export function compile(input: CompileInput): Plan {
  const { spec, options } = input;
  const { process } = spec;
  if (!process) throw new PlanError("process is missing: create needs the program to run");
  const linux = spec.linux ?? {};
  const userNamespace = (linux.namespaces ?? []).some(({ type }) => type === "user");
  const early = userNamespace ? rlimitOps(process) : [];
  const namespaces = namespacePlan(linux, input.facts, early);
  const later: Op[] = [];
  const ops = gather<Op>([
    () => refuseAbsent(input),
    () => refuseOnHostMounts(input),
    () => [...joinCgroups(options), allProcessors, ...oomOps(process), ...namespaces.ops],
    () => netDevicePoint(input),
    // New files get exactly the mode of the configuration, regardless of the caller's umask.
    () => [
      { op: "session", why: "process" },
      { op: "umask", why: "root.path", mask: 0 },
    ],
    () => mountOps(input, later),
    () => deviceOps(input),
    () => [{ op: "umask", why: "root.path", mask: defaultUmask }, ...hookPoint(spec)],
    () => [{ op: "pivot", why: "root.path", move: inheritsMounts(linux) ? 2 : options.noPivot ? 1 : 0 }],
    () => afterPivot(input, process, later.reverse()),
    () => (userNamespace ? [] : rlimitOps(process)),
    () =>
      processOps({
        process,
        linux,
        facts: input.facts,
        newKeyring: options.newKeyring,
        slots: options.slots,
        wait: [{ op: "wait", why: "start", start: options.slots.start, result: options.slots.result }],
        startHooks: hookOps(spec.hooks?.startContainer, "startContainer"),
      }),
  ]);
  return { cloneFlags: namespaces.cloneFlags, cgroup: options.cloneInto, forks: namespaces.forks, ops };
}

/** Refuses fields that need a part of the kernel that this host lacks. */
function refuseAbsent({ spec: { linux = {} }, facts }: CompileInput): readonly Op[] {
  const absent: string[] = [];
  if (linux.mountLabel && !facts.selinux)
    absent.push(`linux.mountLabel is "${linux.mountLabel}", but SELinux is not enabled on this host`);
  if (linux.intelRdt && !facts.resctrl)
    absent.push("linux.intelRdt needs a mounted resctrl file system, and this host has none");
  if (absent.length > 0) throw new PlanError(absent.join("; "));
  return [];
}

/** Refuses fields that would change what other processes of an inherited mount namespace see. */
function refuseOnHostMounts({ spec: { linux = {} }, options }: CompileInput): readonly Op[] {
  if (!inheritsMounts(linux)) return [];
  const { maskedPaths = [], readonlyPaths = [], rootfsPropagation, namespaces = [] } = linux;
  const refused = [
    ...(maskedPaths.length > 0 ? ["linux.maskedPaths"] : []),
    ...(readonlyPaths.length > 0 ? ["linux.readonlyPaths"] : []),
    ...(rootfsPropagation ? ["linux.rootfsPropagation"] : []),
    ...(namespaces.some(({ type }) => type === "user") ? ["a user namespace"] : []),
    ...(options.noPivot ? ["--no-pivot"] : []),
  ];
  if (refused.length > 0)
    throw new PlanError(
      `${refused.join(", ")}: needs {"type": "mount"} in linux.namespaces, else the host's own mounts would change`,
    );
  return [];
}

function netDevicePoint({ spec: { linux = {} }, facts }: CompileInput): readonly Op[] {
  if (Object.keys(linux.netDevices ?? {}).length === 0) return [];
  return [outsideWrites("linux.netDevices", syncPoints.netDevices, facts)];
}

export function joinCgroups({ cgroupFiles }: Pick<CompileOptions, "cgroupFiles">): Op[] {
  return cgroupFiles.map((path) => ({ op: "write", why: "linux.cgroupsPath", path, data: "0" }));
}

/** The runtime's hooks see every mount, and run before the host's file systems go out of sight. */
function hookPoint({ hooks = {} }: Spec): Op[] {
  const any = Object.values(hooks).some((list) => list.length > 0);
  if (!any) return [];
  const ops: Op[] = [
    { op: "sync", why: "hooks.createRuntime", point: syncPoints.hooks, dumpable: 0 },
    ...hookOps(hooks.createContainer, "createContainer"),
  ];
  if ((hooks.startContainer ?? []).length > 0)
    ops.push({ op: "sync", why: "hooks.startContainer", point: syncPoints.created, dumpable: 0 });
  return ops;
}

/**
 * Hooks of the helper. Those before the program run where it will, with its environment unless they have their own; the
 * others run from the root file system.
 */
function hookOps(hooks: readonly Hook[] | undefined, name: "createContainer" | "startContainer"): Op[] {
  const late = name === "startContainer";
  return (hooks ?? []).map(({ path, args, env, timeout }, index) => ({
    op: "hook",
    why: `hooks.${name}[${index}]`,
    path,
    args: args ?? [path],
    env: env ?? [],
    inherit: late && env === undefined ? 1 : 0,
    timeout: timeout ?? 0,
    index,
    inRoot: late ? 0 : 1,
  }));
}

/** Inside the container's root, still with all rights: names, settings, terminal, masked and read-only paths. */
function afterPivot({ spec, options }: CompileInput, process: Process, readonlyMounts: readonly Op[]): Op[] {
  const { linux = {} } = spec;
  const ops: Op[] = [];
  if (process.terminal)
    ops.push(consoleOp(process, options.slots, { bind: true, plainNewlines: options.plainNewlines ?? false }));
  if (spec.hostname) ops.push({ op: "hostname", why: "hostname", name: spec.hostname });
  if (spec.domainname) ops.push({ op: "domainname", why: "domainname", name: spec.domainname });
  for (const [key, value] of Object.entries(linux.sysctl ?? {}))
    ops.push({ op: "writeProc", why: `linux.sysctl["${key}"]`, path: join("sys", sysctlPath(key)), data: value });
  ops.push({ op: "mkdir", why: "process.cwd", path: process.cwd, mode: 0o755 });
  ops.push(...readonlyMounts);
  for (const [index, path] of (linux.readonlyPaths ?? []).entries())
    ops.push({ op: "readonly", why: `linux.readonlyPaths[${index}]`, path });
  for (const [index, path] of (linux.maskedPaths ?? []).entries())
    ops.push({ op: "mask", why: `linux.maskedPaths[${index}]`, path });
  if (spec.root?.readonly)
    ops.push({ op: "attributes", why: "root.readonly", path: "/", set: MOUNT_ATTR_RDONLY, clear: 0, recursive: 0 });
  if (linux.rootfsPropagation) ops.push(finalPropagation(linux.rootfsPropagation));
  return ops;
}

function finalPropagation(name: string): Op {
  const recursive = name.startsWith("r");
  const propagation = propagationTypes[recursive ? name.slice(1) : name] ?? MS_PRIVATE;
  return {
    op: "propagate",
    why: "linux.rootfsPropagation",
    path: "/",
    propagation,
    recursive: recursive ? 1 : 0,
    holder: 0,
  };
}

export interface Terminal {
  /** Over /dev/console, which only the first process of a container gets. */
  readonly bind: boolean;
  readonly plainNewlines: boolean;
}

export function consoleOp(process: Process, slots: Pick<Slots, "console">, { bind, plainNewlines }: Terminal): Op {
  const { width = 0, height = 0 } = process.consoleSize ?? {};
  return {
    op: "console",
    why: "process.terminal",
    socket: slots.console,
    width,
    height,
    bind: bind ? 1 : 0,
    newlines: plainNewlines ? 1 : 0,
  };
}
