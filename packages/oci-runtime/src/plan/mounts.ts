import { isAbsolute, join, normalize } from "node:path/posix";
import { MOUNT_ATTR_RDONLY, MS_PRIVATE, MS_REC, MS_SLAVE } from "@gantry/native-sys";
import { isBind, type Mount } from "@gantry/oci-spec/runtime";
import { cgroupMount } from "./cgroup-mounts.ts";
import type { CompileInput } from "./compile.ts";
import { mappedMounts } from "./mapped-mounts.ts";
import { type MountOptions, parseMountOptions, propagationTypes } from "./mount-options.ts";
import { inheritsMounts } from "./namespaces.ts";
import { gather, type Op, PlanError } from "./op.ts";
import { readonlyOp } from "./readonly-op.ts";

/**
 * The root file system and everything mounted into it, up to the point where hooks may look at it.
 * @param later gets what makes tmpfs mounts read-only, for when the other mounts, devices and the terminal are in them
 */
export function mountOps(input: CompileInput, later: Op[]): Op[] {
  const { spec, options } = input;
  const why = "root.path";
  // How the host's mounts propagate is not changed where they are shared.
  const ops: Op[] = inheritsMounts(spec.linux ?? {})
    ? []
    : [
        rootPropagation(spec.linux?.rootfsPropagation),
        // pivot_root(2) refuses a root whose parent mount is shared.
        { op: "propagate", why, path: options.rootfs, propagation: MS_PRIVATE, recursive: 0, holder: 1 },
      ];
  ops.push({ op: "root", why, path: options.rootfs });
  const mounts = (spec.mounts ?? []).map((mount, index) => () => oneMount(input, mount, { index, later }));
  return [...ops, ...gather(mounts)];
}

/** Propagation of mounts between container and host: unless the configuration says otherwise, the container only receives. */
function rootPropagation(requested: string | undefined): Op {
  const name = requested || "rslave";
  const recursive = name.startsWith("r") ? MS_REC : 0;
  const type = propagationTypes[recursive ? name.slice(1) : name] ?? MS_SLAVE;
  return {
    op: "propagate",
    why: "linux.rootfsPropagation",
    path: "/",
    propagation: type,
    recursive: recursive ? 1 : 0,
    holder: 0,
  };
}

interface Position {
  readonly index: number;
  readonly later: Op[];
}

function oneMount(input: CompileInput, mount: Mount, { index, later }: Position): Op[] {
  const why = `mounts[${index}]`;
  const options = parseMountOptions(mount.options ?? [], why);
  const target = targetOf(mount);
  const propagation = options.propagation.map(
    ({ type, recursive }): Op => ({
      op: "propagate",
      why,
      path: target,
      propagation: type,
      recursive: recursive ? 1 : 0,
      holder: 0,
    }),
  );
  if (options.remount) return [...remountOps({ mount, target, options, why }), ...propagation];
  checkProc(mount, target, why);
  if (isBind(mount)) return [bindOp(input, mount, { index, options }), ...propagation];
  if (mount.type === "cgroup" || mount.type === "cgroup2") return cgroupMount(input, { target, why, options, later });
  const labelled = { ...options, data: [...options.data, ...labelOptions(input, mount)] };
  return [instanceOp({ mount, target, options: labelled, why }, later), ...propagation];
}

/** File systems whose files the kernel labels by itself. */
const selfLabelled: readonly (string | undefined)[] = ["proc", "sysfs", "mqueue"];

function labelOptions({ spec }: CompileInput, { type }: Mount): string[] {
  const label = spec.linux?.mountLabel;
  return label && !selfLabelled.includes(type) ? [`context=${label}`] : [];
}

/** Changes the attributes of an existing mount; options of its file system belong to the host. */
function remountOps({ target, options, why }: Instance): Op[] {
  const [unknown] = options.data;
  if (unknown !== undefined)
    throw new PlanError(`${why}.options: "${unknown}" cannot be changed by a remount; attributes such as "ro" can`);
  const ops: Op[] = [];
  const { set, clear, setRecursive, clearRecursive } = options;
  if (setRecursive || clearRecursive)
    ops.push({ op: "attributes", why, path: target, set: setRecursive, clear: clearRecursive, recursive: 1 });
  if (set || clear) ops.push({ op: "attributes", why, path: target, set, clear, recursive: 0 });
  return ops;
}

/** Files of /proc that are purely informative, such as limits: a mount may cover no others. */
const replaceable = new Set(
  [
    ...["cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat", "swaps", "uptime"],
    ...["sys/kernel/ns_last_pid", "sys/crypto/fips_enabled"],
  ].map((name) => `/proc/${name}`),
);

/** Labels and masks would apply to another file system in the place of /proc, or in it. */
function checkProc(mount: Mount, target: string, why: string): void {
  const { type, source } = mount;
  if (target === "/proc") {
    if (isBind(mount) ? source !== "/proc" : type !== "proc")
      throw new PlanError(
        `${why}.destination: /proc takes {"type": "proc"}, or a bind of the source "/proc", and nothing else`,
      );
  } else if (target.startsWith("/proc/") && !replaceable.has(target))
    throw new PlanError(
      `${why}.destination: ${target} cannot be mounted over; in /proc only ${[...replaceable].join(", ")} can`,
    );
}

/** Nothing but those: a link of the image that leads to another place in /proc is found by the helper. */
function onProc(target: string): number {
  return target === "/proc" || replaceable.has(target) ? 1 : 0;
}

function targetOf(mount: Mount): string {
  const target = normalize(join("/", mount.destination));
  return target.length > 1 && target.endsWith("/") ? target.slice(0, -1) : target;
}

interface Bind {
  readonly index: number;
  readonly options: MountOptions;
}

/** Where a bind mount's source is: relative paths begin at the bundle. */
export function bindSource(bundle: string, { source = "" }: Mount): string {
  return isAbsolute(source) ? source : join(bundle, source);
}

function bindOp(input: CompileInput, mount: Mount, { index, options }: Bind): Op {
  const why = `mounts[${index}]`;
  const mapped = mappedMounts(input.spec).findIndex((mapped) => mapped.index === index);
  const [unknown] = options.data;
  if (unknown !== undefined)
    throw new PlanError(`${why}.options: "${unknown}" is not an option of a bind mount; file systems have their own`);
  const { set, clear, setRecursive, clearRecursive, recursive } = options;
  return {
    op: "bind",
    why,
    tree: mapped < 0 ? 0 : input.options.slots.trees + mapped,
    source: bindSource(input.options.bundle, mount),
    target: targetOf(mount),
    recursive: recursive || !options.bind ? 1 : 0,
    set,
    clear,
    setRecursive,
    clearRecursive,
    onProc: onProc(targetOf(mount)),
  };
}

interface Instance {
  readonly mount: Mount;
  readonly target: string;
  readonly options: MountOptions;
  readonly why: string;
}

function instanceOp({ mount, target, options, why }: Instance, later: Op[]): Op {
  const type = mount.type ?? "";
  if (type === "" || type === "none")
    throw new PlanError(`${why}.type is missing: name a file system, or give the option bind`);
  const source = mount.source ?? type;
  if (options.copyUp) {
    if (type !== "tmpfs") throw new PlanError(`${why}.options: "tmpcopyup" is for tmpfs, not ${type}`);
    return {
      op: "copyUp",
      why,
      source,
      target,
      attributes: options.set | options.setRecursive,
      options: options.data,
      inherit: inherits(type, options.data),
    };
  }
  // There is nothing below a new mount: "rro" means the same as "ro".
  const attributes = options.set | options.setRecursive;
  const delayed = type === "tmpfs" && (attributes & MOUNT_ATTR_RDONLY) !== 0;
  if (delayed) later.push(readonlyOp(target, why));
  return {
    op: "mount",
    why,
    type,
    source,
    target,
    attributes: delayed ? attributes & ~MOUNT_ATTR_RDONLY : attributes,
    options: options.data,
    // A link in the place of /proc or /sys would let the image redirect the masks below.
    strict: type === "proc" || type === "sysfs" ? 1 : 0,
    onProc: onProc(target),
    inherit: inherits(type, options.data),
  };
}

/** A tmpfs without a mode of its own is like the directory that it covers, and not open to everybody. */
function inherits(type: string, options: readonly string[]): number {
  return type === "tmpfs" && !options.some((option) => option.startsWith("mode=")) ? 1 : 0;
}
