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

/** A spec with all the properties that flags change. */
export interface ContainerSpec extends Spec {
  root: { path: string; readonly?: boolean };
  process: Process & { args: string[]; env: string[] };
  mounts: NonNullable<Spec["mounts"]>;
  linux: Linux & { namespaces: NonNullable<Linux["namespaces"]>; resources: NonNullable<Linux["resources"]> };
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const openFiles = 1024;

/**
 * The spec of a container without flags: containerd's default, with Docker's longer list of masked paths.
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

/** containerd's mounts: no cgroups, and a /run of its own. */
function containerMounts(): ContainerSpec["mounts"] {
  const run = { destination: "/run", type: "tmpfs", source: "tmpfs" };
  const options = ["nosuid", "strictatime", "mode=755", "size=65536k"];
  return [...defaultMounts().filter(({ destination }) => destination !== "/sys/fs/cgroup"), { ...run, options }];
}

/** Only the devices that every container has may be used. */
function deviceRules() {
  return defaultDeviceRules.filter(({ access }) => access !== "m").map((rule) => ({ ...rule }));
}
