import { deviceNodesAt } from "@gantry/native-sys";
import type { Device, DeviceRule } from "@gantry/oci-spec/runtime";
import { defaultDeviceRules } from "@gantry/oci-spec/runtime";
import { invalid } from "../base/errors.ts";

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
 * Looks up the devices of --device; a directory means every device below it.
 * @throws RpcError InvalidArgument naming a path that is not a device, or wrong permissions
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
  return { devices: (await deviceNodesAt("/dev", "/dev")) ?? [], rules: [{ allow: true, access: "rwm" }] };
}

async function devicesAt(path: string, target: string): Promise<readonly Device[]> {
  const devices = await deviceNodesAt(path, target).catch(() => {
    throw invalid(`error gathering device information while adding custom device "${path}": no such file or directory`);
  });
  if (devices) return devices;
  throw invalid(`error gathering device information while adding custom device "${path}": not a device node`);
}
