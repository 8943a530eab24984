import { type Check, hasNamespace, type Report } from "./check.ts";
import { parseIdList } from "./id-list.ts";
import { dottedSysctl } from "./sysctl.ts";
import type { MemoryPolicy, NamespaceType, Spec } from "./types.ts";

const namespaces: Check = {
  reads: ["linux.namespaces"],
  run: (spec, report) => {
    const seen = new Set<NamespaceType>();
    (spec.linux?.namespaces ?? []).forEach(({ type, path }, index) => {
      if (seen.has(type)) report(`linux.namespaces[${index}].type`, `${type} is given twice`);
      seen.add(type);
      if (path && !path.startsWith("/"))
        report(`linux.namespaces[${index}].path`, `must be an absolute path, not "${path}"`);
    });
  },
};

const userNamespace: Check = {
  reads: ["linux.namespaces", "linux.uidMappings", "linux.gidMappings"],
  run: ({ linux = {} }, report) => {
    const user = (linux.namespaces ?? []).find(({ type }) => type === "user");
    for (const field of ["uidMappings", "gidMappings"] as const) {
      const count = (linux[field] ?? []).length;
      if (count > 0 && !user) report(`linux.${field}`, 'needs {"type": "user"} in linux.namespaces');
      if (count === 0 && user && !user.path)
        report(`linux.${field}`, "must hold at least one mapping with a new user namespace");
      (linux[field] ?? []).forEach(({ size }, index) => {
        if (size === 0) report(`linux.${field}[${index}].size`, "must be above 0");
      });
    }
  },
};

const time: Check = {
  reads: ["linux.namespaces", "linux.timeOffsets"],
  run: (spec, report) => {
    const clocks = Object.keys(spec.linux?.timeOffsets ?? {});
    for (const clock of clocks)
      if (clock !== "monotonic" && clock !== "boottime")
        report(`linux.timeOffsets.${clock}`, "must be monotonic or boottime");
    if (clocks.length > 0 && !hasNamespace(spec, "time"))
      report("linux.timeOffsets", 'needs {"type": "time"} in linux.namespaces');
  },
};

/** Prefixes of settings that belong to a namespace, with the namespace that must be the container's own. */
const sysctlNamespaces: readonly (readonly [RegExp, NamespaceType])[] = [
  [/^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/, "ipc"],
  [/^fs\.mqueue\./, "ipc"],
  [/^net\./, "network"],
  [/^user\./, "user"],
  [/^kernel\.(domainname|hostname)$/, "uts"],
];

/** The namespace whose setting this is; undefined for one of the whole machine. */
export function sysctlNamespace(key: string): NamespaceType | undefined {
  return sysctlNamespaces.find(([prefix]) => prefix.test(dottedSysctl(key)))?.[1];
}

const sysctl: Check = {
  reads: ["linux.namespaces", "linux.sysctl", "hostname"],
  run: (spec, report) => {
    for (const key of Object.keys(spec.linux?.sysctl ?? {})) {
      const path = `linux.sysctl["${key}"]`;
      const type = sysctlNamespace(key);
      if (/[./]{2}/.test(key)) report(path, "must not have an empty part");
      else if (!type)
        report(
          path,
          "is not a setting of a namespace: allowed are kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.*, net.*, user.*, kernel.hostname, kernel.domainname",
        );
      else if (!hasNamespace(spec, type))
        report(path, `needs {"type": "${type}"} in linux.namespaces, else the host's own would change`);
      else if (dottedSysctl(key) === "kernel.hostname" && spec.hostname)
        report(path, "must not be given with hostname, which sets the same");
    }
  },
};

const paths: Check = {
  reads: ["linux.maskedPaths", "linux.readonlyPaths"],
  run: (spec, report) => {
    for (const field of ["maskedPaths", "readonlyPaths"] as const)
      (spec.linux?.[field] ?? []).forEach((path, index) => {
        if (!path.startsWith("/")) report(`linux.${field}[${index}]`, `must be an absolute path, not "${path}"`);
      });
  },
};

const devices: Check = {
  reads: ["linux.devices"],
  run: (spec, report) => {
    (spec.linux?.devices ?? []).forEach((device, index) => {
      if (device.type !== "p" && (device.major === undefined || device.minor === undefined))
        report(`linux.devices[${index}]`, "needs major and minor numbers");
    });
  },
};

/** The kernel's rule for the name of a network interface (dev_valid_name), with room for its NUL. */
const interfaceName = /^(?!\.\.?$)[^\s/:\0]{1,15}$/;

const netDevices: Check = {
  reads: ["linux.namespaces", "linux.netDevices"],
  run: (spec, report) => {
    const devices = Object.entries(spec.linux?.netDevices ?? {});
    if (devices.length > 0 && !hasNamespace(spec, "network"))
      report("linux.netDevices", 'needs {"type": "network"} in linux.namespaces');
    const taken = new Set<string>();
    for (const [device, { name = "" }] of devices) {
      const path = `linux.netDevices.${device}`;
      if (!interfaceName.test(device)) report(path, "is not the name of a network interface: at most 15 letters");
      if (name && !interfaceName.test(name))
        report(`${path}.name`, `must be the name of a network interface, of at most 15 letters, not "${name}"`);
      const target = name || device;
      if (target.includes("%") && !/^[^%]*%d[^%]*$/.test(target))
        report(`${path}.name`, `may hold "%d" once, and "%" nowhere else, not "${target}"`);
      else if (!target.includes("%") && taken.has(target)) report(`${path}.name`, `"${target}" is given twice`);
      taken.add(target);
    }
  },
};

const memoryPolicy: Check = {
  reads: ["linux.memoryPolicy"],
  run: ({ linux }, report) => linux?.memoryPolicy && checkMemoryPolicy(linux.memoryPolicy, report),
};

/** As set_mempolicy(2) has it. */
function checkMemoryPolicy({ mode, nodes = "", flags = [] }: MemoryPolicy, report: Report): void {
  const count = parseIdList(nodes)?.length ?? 0;
  const without = mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL";
  if (without && count > 0) report("linux.memoryPolicy.nodes", `must be empty with ${mode}`);
  if (!without && mode !== "MPOL_PREFERRED" && count === 0)
    report("linux.memoryPolicy.nodes", `must name at least one node with ${mode}`);
  if (flags.includes("MPOL_F_RELATIVE_NODES") && flags.includes("MPOL_F_STATIC_NODES"))
    report("linux.memoryPolicy.flags", "must not hold both MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES");
}

const personality: Check = {
  reads: ["linux.personality"],
  run: (spec: Spec, report) => {
    if ((spec.linux?.personality?.flags ?? []).length > 0)
      report("linux.personality.flags", "must be empty: none are defined");
  },
};

export const linuxChecks: readonly Check[] = [
  ...[namespaces, userNamespace, time, sysctl, paths, devices, netDevices, memoryPolicy, personality],
];
