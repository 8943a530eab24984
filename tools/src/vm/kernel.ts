import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { paths } from "../paths.ts";

/** A kernel to boot, as files of the build folder. */
export interface Kernel {
  readonly version: string;
  readonly image: string;
  readonly initrd: string;
  /** The directory that becomes /lib/modules in the guest. */
  readonly modules: string;
}

const cache = join(paths.build, "vm");
const guestFiles = join(import.meta.dirname, "guest");

/** Modules that the first file system needs to reach this machine's files, in the order in which they are loaded. */
const earlyModules = [
  ...(["virtio_ring", "virtio", "virtio_mmio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev"] as const),
  ...(["virtio_pci", "virtio_console", "netfs", "fscache", "9pnet", "9pnet_virtio", "9p", "overlay"] as const),
];

/**
 * Debian's generic kernel (the one for clouds lacks 9p), downloaded once and unpacked into the build folder; this
 * machine's own packages stay as they are. The first file system is made anew each time: it takes a moment.
 * @throws Error with what apt said
 */
export function preparedKernel(say: (message: string) => void): Kernel {
  const directory = join(cache, "kernel");
  if (!existsSync(directory)) {
    say("fetching a kernel for the virtual machine ...");
    fetchKernel(directory);
  }
  const modules = join(directory, "lib/modules");
  const version = readdirSync(modules)[0];
  if (!version) throw new Error(`no kernel modules in ${modules}: remove ${directory} and try again`);
  const image = join(directory, "boot", `vmlinuz-${version}`);
  return { version, image, modules, initrd: makeInitrd(join(modules, version)) };
}

function fetchKernel(directory: string): void {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "fetch-"));
  try {
    const name = kernelPackage();
    quietly("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", name], work);
    const [file] = readdirSync(work);
    quietly("dpkg", ["-x", join(work, file ?? name), join(work, "unpacked")], work);
    const [version = ""] = readdirSync(join(work, "unpacked/lib/modules"));
    quietly("busybox", ["depmod", "-b", join(work, "unpacked"), version], work);
    // Another call may have been faster: either's result will do.
    if (!existsSync(directory)) renameSync(join(work, "unpacked"), directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The package that the meta package stands for today. */
function kernelPackage(): string {
  const find = () =>
    /Depends: (linux-image-[\w.+-]+)/.exec(quietly("apt-cache", ["depends", "linux-image-amd64"], "/"));
  const found = find() ?? (quietly("apt-get", ["update", "-q"], "/") && find());
  if (!found?.[1]) throw new Error("apt knows no package linux-image-amd64: are Debian's sources configured?");
  return found[1];
}

function makeInitrd(modules: string): string {
  const work = mkdtempSync(join(cache, "initrd-"));
  const tree = join(work, "tree");
  try {
    for (const name of ["bin", "dev", "proc", "sys", "modules", "lower", "memory", "root"])
      mkdirSync(join(tree, name), { recursive: true });
    cpSync("/bin/busybox", join(tree, "bin/busybox"));
    cpSync(join(guestFiles, "init.sh"), join(tree, "init"));
    chmodSync(join(tree, "init"), 0o755);
    const files = readdirSync(modules, { recursive: true, encoding: "utf8" });
    const found = earlyModules.map((name) => files.find((file) => file.endsWith(`/${name}.ko`)));
    for (const file of found) if (file) cpSync(join(modules, file), join(tree, "modules", file.split("/").pop() ?? ""));
    writeFileSync(join(tree, "modules/order"), `${earlyModules.join("\n")}\n`);
    const made = join(work, "initrd");
    quietly("sh", ["-c", 'find . | cpio --quiet -o -H newc -R 0:0 >"$0"', made], tree);
    const initrd = join(cache, "initrd");
    renameSync(made, initrd);
    return initrd;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @throws Error with the last lines that the program wrote */
function quietly(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    throw new Error(
      `${program} ${args.join(" ")} failed: ${stderr.trim().split("\n").slice(-5).join("\n") || message}`,
    );
  }
}
