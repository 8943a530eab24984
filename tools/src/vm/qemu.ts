import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Accelerator } from "./accelerator.ts";
import type { GuestRequest } from "./run.ts";

/**
 * The command line of QEMU: its smallest machine, this machine's files by 9p, and a port for each stream.
 */
export function qemuArguments(request: GuestRequest, directory: string): string[] {
  const { kernel, memoryMiB, processors, accelerator } = request;
  return [
    ...["-machine", "microvm", ...processor(accelerator)],
    ...["-m", String(memoryMiB), "-smp", String(processors)],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none", "-serial", "stdio"],
    ...["-kernel", kernel.image, "-initrd", kernel.initrd, "-append", kernelArguments().join(" ")],
    ...share("root", "/"),
    ...share("job", join(directory, "job")),
    ...["-device", "virtio-serial-device"],
    ...port("control", directory),
    ...port("stdout", directory),
    ...port("stderr", directory),
  ];
}

/**
 * A plain processor where it is emulated: with all that QEMU can emulate, V8 uses protection keys and wide vectors that
 * it emulates wrongly, and Node ends with a failed check, a segmentation fault, or never.
 */
function processor(accelerator: Accelerator): string[] {
  if (accelerator === "kvm") return ["-accel", "kvm", "-cpu", "host"];
  return ["-accel", "tcg,thread=multi", "-cpu", "Nehalem"];
}

function share(tag: string, path: string): string[] {
  const backend = `local,id=${tag},path=${path},security_model=none,readonly=on,multidevs=remap`;
  return ["-fsdev", backend, "-device", `virtio-9p-device,fsdev=${tag},mount_tag=${tag}`];
}

function port(name: string, directory: string): string[] {
  const socket = `socket,id=${name},path=${join(directory, name)}`;
  return ["-chardev", socket, "-device", `virtserialport,chardev=${name},name=${name}`];
}

/** Without tsc_early_khz one emulated boot in five hangs while it measures its clock. */
function kernelArguments(): string[] {
  const clock = /cpu MHz\s*:\s*([\d.]+)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
  return [
    ...["console=ttyS0", "quiet", "loglevel=1", "panic=-1", "reboot=t", "cgroup_no_v1=all", "mitigations=off"],
    ...(clock ? ["tsc=reliable", `tsc_early_khz=${Math.round(Number(clock) * 1000)}`] : []),
    ...["systemd.show_status=no", "systemd.unified_cgroup_hierarchy=1"],
  ];
}
