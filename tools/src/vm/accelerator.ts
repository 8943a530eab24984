import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { writeJob } from "./job.ts";
import type { Kernel } from "./kernel.ts";
import { startMachine } from "./machine.ts";
import type { GuestRequest } from "./run.ts";

/** How QEMU runs the guest's processor: by the machine's own, or emulated. */
export type Accelerator = "kvm" | "tcg";

/** A guest with KVM is up in two seconds; some machines have a /dev/kvm on which none ever starts. */
const tryMs = 15_000;

/** KVM where a guest was seen to boot with it. What was found is kept until this machine or the kernel changes. */
export async function usableAccelerator(kernel: Kernel): Promise<Accelerator> {
  if (!canOpen("/dev/kvm")) return "tcg";
  const file = join(dirname(kernel.initrd), "accelerator");
  const machine = `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${kernel.version}`;
  if (existsSync(file)) {
    const [found = "", ...about] = readFileSync(file, "utf8").trim().split(" ");
    if (about.join(" ") === machine && (found === "kvm" || found === "tcg")) return found;
  }
  const found = (await boots(kernel)) ? "kvm" : "tcg";
  writeFileSync(file, `${found} ${machine}\n`);
  return found;
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function boots(kernel: Kernel): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "vm-"));
  const request: GuestRequest = {
    kernel,
    command: ["true"],
    systemd: false,
    memoryMiB: 1024,
    timeoutSeconds: 60,
    processors: 1,
    accelerator: "kvm",
    directory: "/",
  };
  writeJob(join(directory, "job"), request);
  const machine = startMachine(request, directory, process);
  try {
    const timer = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), tryMs).unref());
    return await Promise.race([machine.up.then(() => true), machine.ended.then(() => false), timer]);
  } finally {
    machine.end();
    await machine.ended;
    rmSync(directory, { recursive: true, force: true });
  }
}
