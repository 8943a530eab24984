import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Device, DeviceRule } from "@gantry/oci-spec/runtime";
import { defaultDeviceRules } from "@gantry/oci-spec/runtime";
import { invalid } from "../base/errors.ts";

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

/** Names below /dev that a container has its own of, or that would only show the host's session. */
const skipped = new Set(["pts", "shm", "fd", "mqueue", "console", "ptmx", ".lxc", ".lxd-mounts", ".udev"]);

export interface DeviceRequest {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  /** Of "rwm". */
  readonly CgroupPermissions: string;
}

export interface ContainerDevices {
  readonly devices: Device[];
  readonly rules: DeviceRule[];
}

/**
 * Looks up what --device asks for; a directory stands for every device below it.
 * @throws RpcError InvalidArgument naming a path that is no device, or wrong permissions
 */
export async function requestedDevices(requests: readonly DeviceRequest[]): Promise<ContainerDevices> {
  const devices: Device[] = [];
  const rules: DeviceRule[] = [];
  for (const request of requests) {
    const access = request.CgroupPermissions || "rwm";
    if (!/^[rwm]{1,3}$/.test(access)) throw invalid(`invalid device mode: ${access}`);
    const target = request.PathInContainer || request.PathOnHost;
    for (const device of await devicesAt(request.PathOnHost, target)) {
      devices.push(device);
      rules.push({ allow: true, type: device.type, major: device.major ?? 0, minor: device.minor ?? 0, access });
    }
  }
  return { devices, rules: [...defaultDeviceRules, ...rules] };
}

/** Every device of the host, for a privileged container. */
export async function hostDevices(): Promise<ContainerDevices> {
  return { devices: await below("/dev", "/dev"), rules: [{ allow: true, access: "rwm" }] };
}

async function devicesAt(path: string, target: string): Promise<Device[]> {
  const info = await stat(path).catch(() => undefined);
  if (!info) {
    throw invalid(`error gathering device information while adding custom device "${path}": no such file or directory`);
  }
  if (info.isDirectory()) return below(path, target);
  const device = deviceOf(target, info);
  if (!device)
    throw invalid(`error gathering device information while adding custom device "${path}": not a device node`);
  return [device];
}

async function below(directory: string, target: string): Promise<Device[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry): Promise<Device[]> => {
      const path = join(directory, entry.name);
      const inside = join(target, entry.name);
      if (directory === "/dev" && skipped.has(entry.name)) return [];
      if (entry.isDirectory()) return below(path, inside);
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
      const info = await stat(path).catch(() => undefined);
      const device = info && deviceOf(inside, info);
      return device ? [device] : [];
    }),
  );
  return found.flat();
}

function deviceOf(path: string, info: { mode: number; rdev: number; uid: number; gid: number }): Device | undefined {
  const kind = info.mode & S_IFMT;
  if (kind !== S_IFCHR && kind !== S_IFBLK) return undefined;
  return {
    path,
    type: kind === S_IFCHR ? "c" : "b",
    ...deviceNumbers(info.rdev),
    fileMode: info.mode & 0o7777,
    uid: info.uid,
    gid: info.gid,
  };
}

/** Splits a dev_t as glibc's gnu_dev_major and gnu_dev_minor do. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const dev = BigInt(rdev);
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
