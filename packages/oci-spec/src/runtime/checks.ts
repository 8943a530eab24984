import type { SpecProblem } from "./shape.ts";
import { dottedSysctl } from "./sysctl.ts";
import type { Linux, NamespaceType, Spec } from "./types.ts";

/** A rule between fields of a document whose shape is right. */
export type Check = (spec: Spec, report: (path: string, message: string) => void) => void;

const checkVersion: Check = (spec, report) => {
  if (Number.parseInt(spec.ociVersion, 10) > 1)
    report("ociVersion", `is "${spec.ociVersion}"; known are versions up to 1.2.1`);
};

const checkRoot: Check = (spec, report) => {
  if (!spec.root) report("root", "is missing: a Linux container needs its root file system");
  else if (spec.root.path === "") report("root.path", "must not be empty");
};

const checkProcess: Check = (spec, report) => {
  if (!spec.process) return;
  if (!spec.process.cwd.startsWith("/")) report("process.cwd", `must be an absolute path, not "${spec.process.cwd}"`);
  if ((spec.process.args ?? []).length === 0) report("process.args", "must hold at least the program");
  const seen = new Set<string>();
  (spec.process.rlimits ?? []).forEach(({ type, soft, hard }, index) => {
    if (seen.has(type)) report(`process.rlimits[${index}].type`, `${type} is given twice`);
    if (soft > hard) report(`process.rlimits[${index}].soft`, `must not be above hard (${soft} > ${hard})`);
    seen.add(type);
  });
};

const checkNamespaces: Check = (spec, report) => {
  const seen = new Set<NamespaceType>();
  (spec.linux?.namespaces ?? []).forEach(({ type, path }, index) => {
    if (seen.has(type)) report(`linux.namespaces[${index}].type`, `${type} is given twice`);
    seen.add(type);
    if (path && !path.startsWith("/"))
      report(`linux.namespaces[${index}].path`, `must be an absolute path, not "${path}"`);
  });
};

const checkUserNamespace: Check = (spec, report) => {
  const { linux } = spec;
  if (!linux) return;
  const mapped = (linux.uidMappings ?? []).length > 0 || (linux.gidMappings ?? []).length > 0;
  const user = (linux.namespaces ?? []).find(({ type }) => type === "user");
  if (mapped && !user) report("linux.uidMappings", 'needs {"type": "user"} in linux.namespaces');
  if (user && !user.path) {
    if ((linux.uidMappings ?? []).length === 0)
      report("linux.uidMappings", "must hold at least one mapping with a new user namespace");
    if ((linux.gidMappings ?? []).length === 0)
      report("linux.gidMappings", "must hold at least one mapping with a new user namespace");
  }
};

const checkNames: Check = (spec, report) => {
  for (const [field, type] of [
    ["hostname", "uts"],
    ["domainname", "uts"],
  ] as const)
    if (spec[field] && !has(spec.linux, type))
      report(field, 'needs {"type": "uts"} in linux.namespaces, else the host itself would be renamed');
};

const checkTime: Check = (spec, report) => {
  const clocks = Object.keys(spec.linux?.timeOffsets ?? {});
  for (const clock of clocks)
    if (clock !== "monotonic" && clock !== "boottime")
      report(`linux.timeOffsets.${clock}`, "must be monotonic or boottime");
  if (clocks.length > 0 && !has(spec.linux, "time"))
    report("linux.timeOffsets", 'needs {"type": "time"} in linux.namespaces');
};

const checkMounts: Check = (spec, report) => {
  (spec.mounts ?? []).forEach((mount, index) => {
    if (mount.destination === "") report(`mounts[${index}].destination`, "must not be empty");
  });
};

/** Prefixes of settings that belong to a namespace, with the namespace that must be the container's own. */
const sysctlNamespaces: readonly (readonly [RegExp, NamespaceType])[] = [
  [/^kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$/, "ipc"],
  [/^fs\.mqueue\./, "ipc"],
  [/^net\./, "network"],
  [/^kernel\.(domainname|hostname)$/, "uts"],
];

const checkSysctl: Check = (spec, report) => {
  for (const key of Object.keys(spec.linux?.sysctl ?? {})) {
    const name = dottedSysctl(key);
    const path = `linux.sysctl["${key}"]`;
    const rule = sysctlNamespaces.find(([prefix]) => prefix.test(name));
    if (/[./]{2}/.test(key)) report(path, "must not have an empty part");
    else if (!rule)
      report(
        path,
        "is not a setting of a namespace: allowed are kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.*, net.*, kernel.domainname",
      );
    else if (!has(spec.linux, rule[1]))
      report(path, `needs {"type": "${rule[1]}"} in linux.namespaces, else the host's own would change`);
  }
};

const checkPaths: Check = (spec, report) => {
  for (const field of ["maskedPaths", "readonlyPaths"] as const)
    (spec.linux?.[field] ?? []).forEach((path, index) => {
      if (!path.startsWith("/")) report(`linux.${field}[${index}]`, `must be an absolute path, not "${path}"`);
    });
};

const checkDevices: Check = (spec, report) => {
  (spec.linux?.devices ?? []).forEach((device, index) => {
    if (device.type !== "p" && (device.major === undefined || device.minor === undefined))
      report(`linux.devices[${index}]`, "needs major and minor numbers");
  });
};

/** Every check, in the order of its reports. */
export const checks: readonly Check[] = [
  checkVersion,
  checkRoot,
  checkProcess,
  checkNamespaces,
  checkUserNamespace,
  checkNames,
  checkTime,
  checkMounts,
  checkSysctl,
  checkPaths,
  checkDevices,
];

/** Runs every check and collects what they report. */
export function runChecks(spec: Spec): SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const check of checks) check(spec, (path, message) => problems.push({ path, message }));
  return problems;
}

function has(linux: Linux | undefined, type: NamespaceType): boolean {
  return (linux?.namespaces ?? []).some((namespace) => namespace.type === type);
}
