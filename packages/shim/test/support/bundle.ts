import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface BundleOptions {
  readonly args: readonly string[];
  readonly terminal?: boolean;
  /** Bytes of memory that its cgroup allows. */
  readonly memory?: number;
}

/** Path below the cgroup mounts that every test container lives in, so that leftovers are seen. */
export const cgroupParent = "/gantry-shim-test";

/** Writes a bundle with a static busybox as its root file system. */
export function writeBundle(path: string, id: string, options: BundleOptions): void {
  const bin = join(path, "rootfs/bin");
  mkdirSync(bin, { recursive: true });
  for (const name of ["proc", "dev", "tmp"]) mkdirSync(join(path, "rootfs", name));
  copyFileSync("/bin/busybox", join(bin, "busybox"));
  for (const name of ["sh", "cat", "echo", "printf", "sleep", "stty", "head", "dd", "yes", "tail", "tr", "true"]) {
    symlinkSync("busybox", join(bin, name));
  }
  writeFileSync(join(path, "config.json"), JSON.stringify(config(id, options)));
}

/** An OCI process object. */
export function ociProcess(args: readonly string[], terminal = false) {
  return { terminal, user: { uid: 0, gid: 0 }, args, env: ["PATH=/bin", "TERM=xterm"], cwd: "/" };
}

function config(id: string, { args, terminal, memory }: BundleOptions) {
  const namespaces = ["pid", "mount", "ipc", "uts", "network"].map((type) => ({ type }));
  return {
    ociVersion: "1.0.2",
    process: ociProcess(args, terminal),
    root: { path: "rootfs" },
    hostname: "test",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] },
    ],
    linux: {
      namespaces,
      cgroupsPath: `${cgroupParent}/${id}`,
      resources: memory === undefined ? {} : { memory: { limit: memory, swap: memory } },
    },
  };
}
