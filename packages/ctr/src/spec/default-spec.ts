import {
  defaultCapabilities,
  defaultDeviceRules,
  defaultMaskedPaths,
  defaultMounts,
  defaultReadonlyPaths,
  type Linux,
  type Process,
  type Spec,
} from "@gantry/oci-spec/runtime";

/** A spec that has all that the flags change. */
export interface ContainerSpec extends Spec {
  root: { path: string; readonly?: boolean };
  process: Process & { args: string[]; env: string[] };
  mounts: NonNullable<Spec["mounts"]>;
  linux: Linux & { namespaces: NonNullable<Linux["namespaces"]>; resources: NonNullable<Linux["resources"]> };
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const openFiles = 1024;

/**
 * What a container gets that asks for nothing: containerd's default, with Docker's longer list of masked paths.
 * @param cgroup the group above the container's own: the namespace, as containerd has it
 */
export function defaultSpec(namespace: string, id = ""): ContainerSpec {
  const capabilities = [...defaultCapabilities];
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args: [],
      env: [defaultPath],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: [...capabilities], permitted: [...capabilities] },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: openFiles, soft: openFiles }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs" },
    mounts: containerMounts(),
    linux: {
      resources: { devices: deviceRules() },
      cgroupsPath: id === "" ? `/${namespace}` : `/${namespace}/${id}`,
      namespaces: [{ type: "pid" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }, { type: "network" }],
      maskedPaths: [...defaultMaskedPaths],
      readonlyPaths: [...defaultReadonlyPaths],
    },
  };
}

/** containerd's: without cgroups to look at, with a /run of its own. */
function containerMounts(): ContainerSpec["mounts"] {
  const run = { destination: "/run", type: "tmpfs", source: "tmpfs" };
  const options = ["nosuid", "strictatime", "mode=755", "size=65536k"];
  return [...defaultMounts().filter(({ destination }) => destination !== "/sys/fs/cgroup"), { ...run, options }];
}

/** Devices may be used that every container has; none may be made that it has not. */
function deviceRules() {
  return defaultDeviceRules.filter(({ access }) => access !== "m").map((rule) => ({ ...rule }));
}
