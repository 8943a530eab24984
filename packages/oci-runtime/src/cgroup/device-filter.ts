import { closeSync, constants, openSync } from "node:fs";
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_F_REPLACE,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  type NativeSys,
} from "@gantry/native-sys";
import type { DeviceRule } from "@gantry/oci-spec/runtime";
import { assemble, deviceProgram } from "./device-program.ts";

/**
 * Puts the device rules of a version 2 cgroup into force: those that were in force before make way in the same moment.
 * @throws Error with the kernel's message
 */
export function applyDeviceRules(native: NativeSys, cgroup: string, rules: readonly DeviceRule[]): void {
  const directory = openSync(cgroup, constants.O_RDONLY | constants.O_DIRECTORY);
  const opened = [directory];
  try {
    const program = native.bpfProgLoad(BPF_PROG_TYPE_CGROUP_DEVICE, assemble(deviceProgram(rules)), "oci_devices");
    opened.push(program);
    const former = formerPrograms(native, directory);
    opened.push(...former);
    const [only] = former;
    if (former.length === 1 && only !== undefined) {
      native.bpfProgAttach(directory, program, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, only);
      return;
    }
    // All programs of a cgroup must agree: while the old ones are there still, nothing is allowed that they refuse.
    native.bpfProgAttach(directory, program, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI, 0);
    for (const fd of former) native.bpfProgDetach(directory, fd, BPF_CGROUP_DEVICE);
  } catch (error) {
    throw new Error(`linux.resources.devices: ${(error as Error).message}`);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function formerPrograms(native: NativeSys, directory: number): number[] {
  return native.bpfProgQuery(directory, BPF_CGROUP_DEVICE).map((id) => native.bpfProgById(id));
}
