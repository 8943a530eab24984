import { promises as fs } from "node:fs";
import { join } from "node:path";

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

/** Names below /dev that a container has its own of, or that would only show the host's session. */
const skipped = new Set(["pts", "shm", "fd", "mqueue", "console", "ptmx", ".lxc", ".lxd-mounts", ".udev"]);

/** A device of the host, as runtime-spec config-linux.md "Devices" has it. */
export interface DeviceNode {
  /** Where it shall be in the container. */
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The device at a path of the host, or every device below it where it is a directory.
 * @param inside the path that it gets in the container
 * @returns undefined for other kinds of file; rejects for a missing one
 */
export async function deviceNodesAt(path: string, inside: string): Promise<DeviceNode[] | undefined> {
  const info = await fs.stat(path);
  if (info.isDirectory()) return await below(path, inside);
  const device = deviceOf(inside, info);
  return device && [device];
}

async function below(directory: string, target: string): Promise<DeviceNode[]> {
  const entries = await fs.readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry): Promise<DeviceNode[]> => {
      const path = join(directory, entry.name);
      const inside = join(target, entry.name);
      if (directory === "/dev" && skipped.has(entry.name)) return [];
      if (entry.isDirectory()) return await below(path, inside);
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
      const info = await fs.stat(path).catch(() => undefined);
      const device = info && deviceOf(inside, info);
      return device ? [device] : [];
    }),
  );
  return found.flat();
}

function deviceOf(
  path: string,
  info: { mode: number; rdev: number; uid: number; gid: number },
): DeviceNode | undefined {
  const kind = info.mode & S_IFMT;
  if (kind !== S_IFCHR && kind !== S_IFBLK) return undefined;
  const type = kind === S_IFCHR ? "c" : "b";
  return { path, type, ...deviceNumbers(info.rdev), fileMode: info.mode & 0o7777, uid: info.uid, gid: info.gid };
}

/** Splits a dev_t as glibc's gnu_dev_major and gnu_dev_minor do. */
export function deviceNumbers(rdev: number | bigint): { major: number; minor: number } {
  const dev = BigInt(rdev);
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
