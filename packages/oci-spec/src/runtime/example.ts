import { defaultMaskedPaths, defaultMounts, defaultReadonlyPaths } from "./defaults.ts";
import type { Mount, Namespace, Spec } from "./types.ts";

/** A configuration to start from: a shell in a terminal. With ids it is for that user, without root. */
export function exampleSpec(ids?: { uid: number; gid: number }): Spec {
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  const namespaces: Namespace[] = [
    { type: "pid" },
    { type: "ipc" },
    { type: "uts" },
    { type: "mount" },
    { type: "cgroup" },
    ...(ids ? [{ type: "user" } as const] : [{ type: "network" } as const]),
  ];
  return {
    ociVersion: "1.3.0",
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "container",
    mounts: ids ? defaultMounts().map(rootlessMount) : defaultMounts(),
    linux: {
      ...(ids
        ? {
            uidMappings: [{ containerID: 0, hostID: ids.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: ids.gid, size: 1 }],
          }
        : {}),
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces,
      maskedPaths: [...defaultMaskedPaths],
      readonlyPaths: [...defaultReadonlyPaths],
    },
  };
}

/** Without a network namespace sysfs cannot be mounted, and the group of terminals has no number. */
function rootlessMount(mount: Mount): Mount {
  if (mount.type === "sysfs")
    return { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] };
  if (mount.type !== "devpts") return mount;
  return { ...mount, options: (mount.options ?? []).filter((option) => !option.startsWith("gid=")) };
}
