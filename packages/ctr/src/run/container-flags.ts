import type { FlagTable, FlagValues } from "@gantry/cli";
import { snapshotterFlag } from "../images/snapshotter.ts";

/** Flags of `containers create` and `run` that describe the container. */
export const containerFlags = {
  ...snapshotterFlag,
  "snapshotter-label": { type: "list", value: "KEY=VALUE", doc: "Labels of the container's snapshot" },
  config: { type: "string", short: "c", value: "FILE", doc: "Take the whole spec from a config.json" },
  cwd: { type: "string", value: "DIR", doc: "Working directory of the process" },
  env: { type: "list", value: "NAME=VALUE", doc: "Environment variables; NAME alone removes one" },
  "env-file": { type: "list", value: "FILE", doc: "File of environment variables, NAME=VALUE, one a line" },
  label: { type: "list", value: "KEY=VALUE", doc: "Labels of the container" },
  annotation: { type: "list", value: "KEY=VALUE", doc: "OCI annotations" },
  mount: { type: "list", value: "SPEC", doc: "A mount: type=bind,src=/tmp,dst=/host,options=rbind:ro" },
  "net-host": { type: "boolean", doc: "Use the host's network" },
  privileged: { type: "boolean", doc: "All capabilities and devices, nothing masked" },
  "read-only": { type: "boolean", doc: "Make the root file system read-only" },
  runtime: {
    type: "string",
    value: "NAME",
    default: "io.containerd.runc.v2",
    doc: "Runtime; only io.containerd.runc.v2 is accepted",
  },
  tty: { type: "boolean", short: "t", doc: "Allocate a terminal" },
  "with-ns": { type: "list", value: "TYPE:PATH", doc: "Linux namespaces to join" },
  "allow-new-privs": { type: "boolean", doc: "Let the process gain privileges (set-user-id programs)" },
  "memory-limit": { type: "integer", value: "BYTES", doc: "Memory limit" },
  device: { type: "list", value: "PATH", doc: "A device, or a directory of devices" },
  "cap-add": { type: "list", value: "CAP_NAME", doc: "Add capabilities" },
  "cap-drop": { type: "list", value: "CAP_NAME", doc: "Drop capabilities" },
  seccomp: { type: "boolean", doc: "Use the default seccomp profile" },
  "seccomp-profile": { type: "string", value: "FILE", doc: "With --seccomp: a profile of your own, as in config.json" },
  "apparmor-profile": { type: "string", value: "NAME", doc: "Use a loaded AppArmor profile" },
  "rdt-class": { type: "string", value: "NAME", doc: "Class of service for cache and memory bandwidth" },
  rootfs: { type: "boolean", doc: "The first argument is a directory, not an image" },
  "cpu-quota": { type: "integer", value: "US", default: -1, doc: "CPU time in each period, in microseconds" },
  "cpu-period": { type: "integer", value: "US", default: 0, doc: "CPU period in microseconds" },
  "rootfs-propagation": { type: "string", value: "MODE", doc: "Propagation of the root file system's mount" },
  // Flags that containerd's ctr has for run only.
  user: {
    type: "string",
    short: "u",
    value: "USER[:GROUP]",
    doc: "User of the process, by name or number; else the image's",
  },
  hostname: { type: "string", value: "NAME", doc: "Host name of the container; else the host's" },
  cgroup: { type: "string", value: "PATH", doc: "cgroup path; else /NAMESPACE/ID" },
  platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Platform of the image" },
  "runc-binary": { type: "string", value: "PATH", doc: "Another OCI runtime, run by runc's command line" },
  "runc-root": { type: "string", value: "DIR", doc: "The OCI runtime's own state" },
  "runc-systemd-cgroup": { type: "boolean", doc: "Let the OCI runtime create cgroups through systemd" },
  uidmap: { type: "string", value: "CONTAINER:HOST:LENGTH", doc: "User ids in a user namespace" },
  gidmap: { type: "string", value: "CONTAINER:HOST:LENGTH", doc: "Group ids in a user namespace" },
  cpus: { type: "string", value: "N", doc: "CPUs: 1.5" },
  "cpu-shares": { type: "integer", value: "N", default: 1024, doc: "CPU shares" },
} as const satisfies FlagTable;

/** containerd's flags that cannot be supported here. */
export const refusedContainerFlags = {
  "apparmor-default-profile": "load a profile and name it: --apparmor-profile NAME",
  cni: "networks are the engine's; here a network namespace may be joined: --with-ns network:PATH, or --net-host",
  gpus: "give the devices: --device PATH",
  "no-pivot": "the root file system is always changed with pivot_root(2)",
  "remap-labels": "no snapshotter maps ids by labels; --uidmap and --gidmap map them",
  "runtime-config-path": "the runtime is given by --runc-binary, --runc-root and --runc-systemd-cgroup",
};

export type ContainerValues = FlagValues<typeof containerFlags>;
