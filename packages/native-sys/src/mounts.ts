import { nativeSys } from "./addon.ts";
import * as k from "./constants.ts";
import { isSystemError } from "./errors.ts";
import { Fd } from "./fd.ts";

/** A file system's options: `{ size: "64m", noswap: true }`; false leaves one out. */
export type MountOptions = Readonly<Record<string, string | boolean>>;

export interface FilesystemMount {
  readonly type: string;
  readonly source?: string;
  readonly target: string;
  /** MS_RDONLY, MS_NOSUID, … as for mount(2). */
  readonly flags?: number;
  readonly options?: MountOptions;
}

export interface OverlayMount {
  /** Top layer first; at least two when there is no upper directory. */
  readonly lower: readonly string[];
  /** Both or none: without them the mount is read-only. */
  readonly upper?: string;
  readonly work?: string;
  readonly target: string;
  readonly flags?: number;
  readonly options?: MountOptions;
}

type Parameter = readonly [key: string, value: string | true];

// strndup_user() in fsconfig(2) takes this many bytes of a value, with its NUL.
const maxParameterBytes = 255;
const pageBytes = 4096;

/**
 * Mounts a new instance of a file system, by fsopen(2) and fsmount(2) for their error messages, and by
 * mount(2) where the kernel lacks them.
 *
 * @throws SystemError with the kernel's own message where there is one
 */
export function mountFilesystem(mount: FilesystemMount): void {
  const options = listOptions(mount.options);
  mountEitherWay(mount, mount.source === undefined ? options : [["source", mount.source], ...options], {
    source: mount.source ?? "none",
    data: dataOf(options),
  });
}

/**
 * Mounts an overlay. Each lower directory is a parameter of its own where the kernel has `lowerdir+` (6.7), so any
 * number and any name of them works; before that all have to fit into one page.
 *
 * @throws SystemError; EINVAL for lower directories that are too few, E2BIG for options larger than a page
 */
export function mountOverlay(mount: OverlayMount): void {
  const writable: Parameter[] = [];
  if (mount.upper !== undefined && mount.work !== undefined) {
    writable.push(["upperdir", escapeBackslash(mount.upper)], ["workdir", escapeBackslash(mount.work)]);
  }
  const options = listOptions(mount.options);
  const layers: Parameter[] = mount.lower.map((path) => ["lowerdir+", path]);
  const joined = mount.lower.map((path) => escapeBackslash(path).replaceAll(":", "\\:")).join(":");
  const flat: Parameter[] = [["lowerdir", joined], ...writable, ...options];
  mountEitherWay({ ...mount, type: "overlay" }, [["source", "overlay"], ...layers, ...writable, ...options], {
    source: "overlay",
    data: dataOf(flat.map(([key, value]) => [key, value === true ? value : value.replaceAll(",", "\\,")])),
  });
}

interface Classic {
  readonly source: string;
  readonly data: string;
}

function mountEitherWay(mount: FilesystemMount, parameters: readonly Parameter[], classic: Classic): void {
  if (parameters.some(([, value]) => value !== true && Buffer.byteLength(value) > maxParameterBytes)) {
    mountClassic(mount, classic);
    return;
  }
  try {
    mountByContext(mount, parameters);
  } catch (error) {
    // ENOSYS: no fsopen(2). EINVAL: perhaps a parameter that came later than fsopen(2) did, such as lowerdir+.
    if (!isSystemError(error, "ENOSYS", "EINVAL")) throw error;
    try {
      mountClassic(mount, classic);
    } catch (second) {
      throw error.code === "ENOSYS" ? second : error;
    }
  }
}

function mountByContext(mount: FilesystemMount, parameters: readonly Parameter[]): void {
  const native = nativeSys();
  const flags = mount.flags ?? 0;
  using context = new Fd(native.fsopen(mount.type, k.FSOPEN_CLOEXEC));
  for (const [key, value] of [...superblockFlags(flags), ...parameters]) {
    const command = value === true ? k.FSCONFIG_SET_FLAG : k.FSCONFIG_SET_STRING;
    native.fsconfig(context.number, command, key, value === true ? null : value, 0);
  }
  native.fsconfig(context.number, k.FSCONFIG_CMD_CREATE, null, null, 0);
  using mounted = new Fd(native.fsmount(context.number, k.FSMOUNT_CLOEXEC, mountAttributes(flags)));
  native.moveMount(mounted.number, "", k.AT_FDCWD, mount.target, k.MOVE_MOUNT_F_EMPTY_PATH);
}

function mountClassic(mount: FilesystemMount, classic: Classic): void {
  const bytes = Buffer.byteLength(classic.data);
  if (bytes >= pageBytes) {
    const message = `mount ${mount.target}: E2BIG: the options take ${bytes} bytes, mount(2) has room for ${pageBytes - 1}`;
    throw Object.assign(new Error(message), { code: "E2BIG", errno: 7, syscall: "mount", path: mount.target });
  }
  nativeSys().mount(classic.source, mount.target, mount.type, mount.flags ?? 0, classic.data || null);
}

/** MS_* flags that belong to the file system and not to the one mount. */
function superblockFlags(flags: number): Parameter[] {
  const names: readonly (readonly [number, string])[] = [
    [k.MS_RDONLY, "ro"],
    [k.MS_SYNCHRONOUS, "sync"],
    [k.MS_DIRSYNC, "dirsync"],
    [k.MS_LAZYTIME, "lazytime"],
    [k.MS_MANDLOCK, "mand"],
  ];
  return names.filter(([flag]) => flags & flag).map(([, name]) => [name, true]);
}

/** MOUNT_ATTR_* for the MS_* flags of one mount. */
export function mountAttributes(flags: number): number {
  const pairs: readonly (readonly [number, number])[] = [
    [k.MS_RDONLY, k.MOUNT_ATTR_RDONLY],
    [k.MS_NOSUID, k.MOUNT_ATTR_NOSUID],
    [k.MS_NODEV, k.MOUNT_ATTR_NODEV],
    [k.MS_NOEXEC, k.MOUNT_ATTR_NOEXEC],
    [k.MS_NODIRATIME, k.MOUNT_ATTR_NODIRATIME],
    [k.MS_NOSYMFOLLOW, k.MOUNT_ATTR_NOSYMFOLLOW],
  ];
  const attributes = pairs.reduce((all, [flag, attribute]) => (flags & flag ? all | attribute : all), 0);
  // The three access time modes are one field, not flags.
  if (flags & k.MS_NOATIME) return attributes | k.MOUNT_ATTR_NOATIME;
  return flags & k.MS_STRICTATIME ? attributes | k.MOUNT_ATTR_STRICTATIME : attributes;
}

function listOptions(options: MountOptions = {}): Parameter[] {
  return Object.entries(options).flatMap(([key, value]) => (value === false ? [] : [[key, value] as const]));
}

function dataOf(parameters: readonly Parameter[]): string {
  return parameters.map(([key, value]) => (value === true ? key : `${key}=${value}`)).join(",");
}

function escapeBackslash(path: string): string {
  return path.replaceAll("\\", "\\\\");
}
