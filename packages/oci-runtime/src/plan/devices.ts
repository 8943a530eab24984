import { normalize } from "node:path/posix";
import { S_IFBLK, S_IFCHR, S_IFIFO } from "@gantry/native-sys";
import { type Device, defaultDevices } from "@gantry/oci-spec/runtime";
import type { CompileInput } from "./compile.ts";
import { type Op, PlanError } from "./op.ts";

const links: readonly (readonly [path: string, target: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
  ["/dev/ptmx", "pts/ptmx"],
];

const kinds = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const;

interface RequestedDevice {
  readonly device: Device;
  readonly why: string;
  /** Devices of every container replace an image's file of their name; a device of the configuration must match it. */
  readonly replace: number;
}

/** Device nodes and the links of /dev (runtime-spec config-linux.md "Default Devices"); none when /dev is the host's. */
export function deviceOps(input: CompileInput): Op[] {
  const { spec } = input;
  const bound = (spec.mounts ?? []).some(
    ({ destination, type, options = [] }) =>
      destination.replace(/\/+$/, "") === "/dev" &&
      (type === "bind" || options.includes("bind") || options.includes("rbind")),
  );
  if (bound) return [];
  const requested = new Map<string, RequestedDevice>();
  for (const device of defaultDevices) requested.set(device.path, { device, why: "default devices", replace: 1 });
  for (const [index, device] of (spec.linux?.devices ?? []).entries()) {
    const why = `linux.devices[${index}]`;
    checkPlace(device.path, why);
    requested.set(device.path, { device, why, replace: 0 });
  }
  const ops = [...requested.values()].map((one) => deviceOp(one, cannotMakeNodes(input)));
  const core = input.facts.kcore ? [["/dev/core", "/proc/kcore"] as const] : [];
  for (const [path, target] of [...links, ...core]) ops.push({ op: "symlink", why: "default devices", target, path });
  return ops;
}

/** Nothing can be made in /proc, and labels and masks would apply to a device that is bound over a file there. */
function checkPlace(path: string, why: string): void {
  if (`${normalize(path)}/`.startsWith("/proc/")) throw new PlanError(`${why}.path: ${path} must not be in /proc`);
}

/** The kernel refuses mknod in a user namespace: there the host's nodes are bound. */
function cannotMakeNodes({ spec, facts }: CompileInput): boolean {
  return facts.inUserNamespace || (spec.linux?.namespaces ?? []).some(({ type }) => type === "user");
}

function deviceOp({ device, why, replace }: RequestedDevice, bind: boolean): Op {
  const { path } = device;
  if (bind)
    return {
      op: "bind",
      why,
      tree: 0,
      source: path,
      target: path,
      recursive: 0,
      set: 0,
      clear: 0,
      setRecursive: 0,
      clearRecursive: 0,
      onProc: 0,
    };
  return {
    op: "mknod",
    why,
    path,
    mode: kinds[device.type] | ((device.fileMode ?? 0o666) & 0o7777),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
    replace,
  };
}
