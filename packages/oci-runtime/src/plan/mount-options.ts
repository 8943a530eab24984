import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from "@gantry/native-sys";
import { PlanError } from "./op.ts";
import { entryOf } from "./table.ts";

/** The options of a mount (runtime-spec config.md "Linux mount options"), by the kernel's kinds: attributes, propagation, data. */
export interface MountOptions {
  readonly bind: boolean;
  readonly recursive: boolean;
  /** MOUNT_ATTR_* to set and to clear on the mount itself … */
  readonly set: number;
  readonly clear: number;
  /** … and on all that is mounted below it. */
  readonly setRecursive: number;
  readonly clearRecursive: number;
  /** MS_* propagation types in their order. */
  readonly propagation: readonly { readonly type: number; readonly recursive: boolean }[];
  /** A tmpfs starts with a copy of the directory below it. */
  readonly copyUp: boolean;
  /** A mount that is there already is changed. */
  readonly remount: boolean;
  /** All others: options of the file system. */
  readonly data: readonly string[];
}

/** Name → attributes to set, attributes to clear. */
const attributes: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [MOUNT_ATTR_RDONLY, 0],
  rw: [0, MOUNT_ATTR_RDONLY],
  nosuid: [MOUNT_ATTR_NOSUID, 0],
  suid: [0, MOUNT_ATTR_NOSUID],
  nodev: [MOUNT_ATTR_NODEV, 0],
  dev: [0, MOUNT_ATTR_NODEV],
  noexec: [MOUNT_ATTR_NOEXEC, 0],
  exec: [0, MOUNT_ATTR_NOEXEC],
  nodiratime: [MOUNT_ATTR_NODIRATIME, 0],
  diratime: [0, MOUNT_ATTR_NODIRATIME],
  nosymfollow: [MOUNT_ATTR_NOSYMFOLLOW, 0],
  symfollow: [0, MOUNT_ATTR_NOSYMFOLLOW],
  // The three ways to keep access times are one field: setting one clears the field first.
  relatime: [0, MOUNT_ATTR__ATIME],
  norelatime: [0, MOUNT_ATTR__ATIME],
  noatime: [MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME],
  atime: [0, MOUNT_ATTR__ATIME],
  strictatime: [MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME],
  nostrictatime: [0, MOUNT_ATTR__ATIME],
};

export const propagationTypes: Readonly<Record<string, number>> = {
  shared: MS_SHARED,
  slave: MS_SLAVE,
  private: MS_PRIVATE,
  unbindable: MS_UNBINDABLE,
};

/** Taken by mount(8) alone or the kernel's standard anyway. */
const ignored = new Set([
  "defaults",
  "loud",
  "silent",
  "nomand",
  "iversion",
  "noiversion",
  "idmap",
  "ridmap",
  "acl",
  "noacl",
]);
/** Of a whole file system, which a bind mount shares with all others of it: there they change nothing, as with runc. */
const ofFileSystem = new Set([...["async", "sync", "dirsync", "lazytime", "nolazytime", "mand", "iversion"]]);

/** Every option that means something to this runtime; others are handed to file systems. */
export function mountOptionNames(): string[] {
  const recursive = [...Object.keys(attributes), ...Object.keys(propagationTypes)].map((name) => `r${name}`);
  const all = [...Object.keys(attributes), ...Object.keys(propagationTypes), ...recursive, ...ignored, ...ofFileSystem];
  return [...new Set([...all, "bind", "rbind", "remount", "tmpcopyup"])].sort();
}

/** @throws PlanError for an option that is known and not supported */
export function parseMountOptions(options: readonly string[], path: string): MountOptions {
  const found = { bind: false, recursive: false, copyUp: false, remount: false };
  const bits = { set: 0, clear: 0, setRecursive: 0, clearRecursive: 0 };
  const propagation: { type: number; recursive: boolean }[] = [];
  const data: string[] = [];
  for (const option of options) {
    if (option === "move") throw new PlanError(`${path}.options: "move" is not an option of a container's mount`);
    const own = entryOf(attributes, option);
    const below = option.startsWith("r") ? entryOf(attributes, option.slice(1)) : undefined;
    const type = entryOf(propagationTypes, option) ?? entryOf(propagationTypes, option.slice(1));
    if (own) {
      bits.set = (bits.set & ~own[1]) | own[0];
      bits.clear = (bits.clear & ~own[0]) | own[1];
    } else if (below) {
      bits.setRecursive = (bits.setRecursive & ~below[1]) | below[0];
      bits.clearRecursive = (bits.clearRecursive & ~below[0]) | below[1];
    } else if (option === "bind" || option === "rbind") {
      found.bind = true;
      found.recursive = option === "rbind";
    } else if (type !== undefined && (Object.hasOwn(propagationTypes, option) || option.startsWith("r"))) {
      propagation.push({ type, recursive: option.startsWith("r") });
    } else if (option === "tmpcopyup") found.copyUp = true;
    else if (option === "remount") found.remount = true;
    else if (option !== "" && !ignored.has(option)) data.push(option);
  }
  const own = found.bind || found.remount ? data.filter((option) => !ofFileSystem.has(option)) : data;
  return { ...found, ...bits, propagation, data: own };
}
