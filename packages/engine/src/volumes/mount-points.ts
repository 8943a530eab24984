import { stat } from "node:fs/promises";
import type { ContainerConfig, HostConfig, Mount } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "../base/errors.ts";
import type { MountPoint } from "../spec/mounts.ts";
import { checkVolumeName, cleanPath, parseBind, propagations } from "./parse-bind.ts";

/** A mount point whose volume, if any, is not created yet: Name is empty for an anonymous one. */
export type MountPlan = MountPoint & { readonly VolumeLabels?: Readonly<Record<string, string>> };

/**
 * The mounts of a container, from Binds, Mounts, Tmpfs and the configuration's Volumes, in this order. A destination of
 * Volumes that an earlier one has is left out.
 * @throws RpcError InvalidArgument for a bad specification or a destination given twice
 */
export async function planMounts(config: ContainerConfig, host: HostConfig): Promise<MountPlan[]> {
  const plans: MountPlan[] = [
    ...(host.Binds ?? []).map(fromBind),
    ...(await Promise.all((host.Mounts ?? []).map(fromMount))),
    ...Object.entries(host.Tmpfs ?? {}).map(([path, options]) => fromTmpfs(path, options)),
  ];
  const taken = new Set<string>();
  for (const { Destination } of plans) {
    if (taken.has(Destination)) throw invalid(`Duplicate mount point: ${Destination}`);
    taken.add(Destination);
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const plan = fromBind(path);
    if (taken.has(plan.Destination)) continue;
    taken.add(plan.Destination);
    plans.push(plan);
  }
  return plans;
}

function fromBind(text: string): MountPlan {
  const spec = parseBind(text);
  const common = { Destination: spec.destination, Mode: spec.mode, RW: !spec.readOnly };
  if (spec.source.startsWith("/")) {
    return { Type: "bind", Source: spec.source, ...common, Propagation: spec.propagation || "rprivate" };
  }
  return {
    Type: "volume",
    Name: spec.source,
    Source: "",
    Driver: "local",
    ...common,
    Mode: spec.mode || "z",
    Propagation: "",
    NoCopy: spec.noCopy,
    Anonymous: spec.source === "",
  };
}

/** The options of each type of mount; those of another type are refused. */
const optionFields = [
  ["bind", "BindOptions"],
  ["volume", "VolumeOptions"],
  ["tmpfs", "TmpfsOptions"],
] as const;

async function fromMount(mount: Mount): Promise<MountPlan> {
  const bad = (why: string) => invalid(`invalid mount config for type "${mount.Type}": ${why}`);
  if (!mount.Target) throw bad("field Target must not be empty");
  const Destination = cleanPath(mount.Target);
  if (!Destination.startsWith("/")) throw bad(`invalid mount path: '${mount.Target}' mount path must be absolute`);
  if (Destination === "/") throw bad("destination can't be '/'");
  for (const [type, field] of optionFields) {
    if (type !== mount.Type && mount[field]) throw bad(`field ${field} must not be specified`);
  }
  const common = { Destination, Mode: "", RW: !mount.ReadOnly };
  if (mount.Type === "tmpfs") return mountTmpfs(mount, common, bad);
  if (mount.Type === "bind") return mountBind(mount, common, bad);
  const driver = mount.VolumeOptions?.DriverConfig?.Name || "local";
  if (driver !== "local") throw bad(`error looking up volume plugin ${driver}: plugin "${driver}" not found`);
  const [option] = Object.keys(mount.VolumeOptions?.DriverConfig?.Options ?? {});
  if (option !== undefined) throw bad(`invalid option: "${option}": the local driver takes none`);
  if (mount.Source) checkVolumeName(mount.Source);
  return {
    Type: "volume",
    Name: mount.Source ?? "",
    Source: "",
    Driver: "local",
    ...common,
    Mode: "z",
    Propagation: "",
    NoCopy: mount.VolumeOptions?.NoCopy ?? false,
    Anonymous: !mount.Source,
    ...(mount.VolumeOptions?.Labels ? { VolumeLabels: mount.VolumeOptions.Labels } : {}),
  };
}

type Common = Pick<MountPlan, "Destination" | "Mode" | "RW">;

async function mountBind(mount: Mount, common: Common, bad: (why: string) => Error): Promise<MountPlan> {
  const source = mount.Source ?? "";
  if (source === "") throw bad("field Source must not be empty");
  if (!source.startsWith("/")) throw bad(`invalid mount path: '${source}' mount path must be absolute`);
  const propagation = mount.BindOptions?.Propagation || "rprivate";
  if (!propagations.includes(propagation)) throw bad(`invalid propagation mode: ${propagation}`);
  if (!(await stat(source).catch(() => undefined))) throw bad(`bind source path does not exist: ${source}`);
  return {
    Type: "bind",
    Source: cleanPath(source),
    ...common,
    Propagation: propagation,
    NonRecursive: mount.BindOptions?.NonRecursive ?? false,
  };
}

function mountTmpfs(mount: Mount, common: Common, bad: (why: string) => Error): MountPlan {
  if (mount.Source) throw bad("field Source must not be specified");
  const { SizeBytes, Mode } = mount.TmpfsOptions ?? {};
  const options = [
    ...(mount.ReadOnly ? ["ro"] : []),
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
  ];
  return { Type: "tmpfs", Source: "", ...common, Propagation: "", TmpfsOptions: options };
}

const tmpfsOption =
  /^(ro|rw|exec|noexec|suid|nosuid|dev|nodev|sync|async|dirsync|atime|noatime|diratime|nodiratime|relatime|norelatime|strictatime|nostrictatime|size=\d+[kmg%]?|nr_inodes=\d+[kmg]?|nr_blocks=\d+[kmg]?|mode=[0-7]{1,4}|uid=\d+|gid=\d+|mpol=\S+)$/i;

function fromTmpfs(path: string, text: string): MountPlan {
  const Destination = cleanPath(path);
  if (!Destination.startsWith("/")) throw invalid(`invalid tmpfs mount: '${path}' mount path must be absolute`);
  if (Destination === "/") throw invalid("invalid tmpfs mount: destination can't be '/'");
  const options = text === "" ? [] : text.split(",");
  for (const option of options) {
    if (!tmpfsOption.test(option)) throw invalid(`invalid tmpfs option ["${option}"] for ${path}`);
  }
  const RW = !options.includes("ro");
  return { Type: "tmpfs", Source: "", Destination, Mode: text, RW, Propagation: "", TmpfsOptions: options };
}
