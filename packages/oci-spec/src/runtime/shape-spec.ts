import { parseIdList } from "./id-list.ts";
import {
  ioPriorityClasses,
  memoryPolicyFlags,
  memoryPolicyModes,
  namespaceTypes,
  rlimitTypes,
  rootfsPropagations,
  schedulerFlags,
  schedulerPolicies,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from "./names.ts";
import {
  flag,
  int32,
  int64,
  integer,
  list,
  map,
  oneOf,
  pattern,
  record,
  type Shape,
  shown,
  text,
  uint16,
  uint32,
  uint64,
} from "./shape.ts";

/** The shape of config.json: runtime-spec config.md and config-linux.md. Rules between fields are in checks.ts. */

const texts = list(text);
/** The kernel takes the largest number for "leave it as it is", which would be root. */
const id = integer(0, 0xfffffffe);
const idList: Shape = (value, path, problems) => {
  if (typeof value !== "string" || parseIdList(value) === undefined)
    problems.push({ path, message: `must be a list of numbers such as "0-3,7", not ${shown(value)}` });
};
const line = pattern(/^[^\n\0]*$/, "one line");
const idMapping = record({ "containerID!": uint32, "hostID!": uint32, "size!": uint32 });
const env = list(pattern(/^[^=\0]+=[^\0]*$/, 'of the form "NAME=value"'));

const hook = record({
  "path!": pattern(/^\//, "an absolute path"),
  args: texts,
  env: texts,
  timeout: integer(1, 2 ** 31),
});

export const processShape = record({
  terminal: flag,
  consoleSize: record({ "height!": uint16, "width!": uint16 }),
  user: record({ uid: id, gid: id, umask: uint32, additionalGids: list(id) }),
  args: texts,
  env,
  "cwd!": text,
  capabilities: record({
    bounding: texts,
    effective: texts,
    inheritable: texts,
    permitted: texts,
    ambient: texts,
  }),
  rlimits: list(
    record({
      "type!": oneOf(rlimitTypes),
      "soft!": uint64,
      "hard!": uint64,
    }),
  ),
  noNewPrivileges: flag,
  apparmorProfile: text,
  selinuxLabel: text,
  oomScoreAdj: integer(-1000, 1000),
  scheduler: record({
    "policy!": oneOf(schedulerPolicies),
    nice: int32,
    priority: int32,
    flags: list(oneOf(schedulerFlags)),
    runtime: uint64,
    deadline: uint64,
    period: uint64,
  }),
  ioPriority: record({
    "class!": oneOf(ioPriorityClasses),
    priority: integer(0, 7),
  }),
  execCPUAffinity: record({ initial: idList, final: idList }),
});

const throttles = list(record({ "major!": int64, "minor!": int64, "rate!": uint64 }));

export const resourcesShape = record({
  devices: list(
    record({
      "allow!": flag,
      type: oneOf(["a", "b", "c", "u", "p", ""]),
      major: int64,
      minor: int64,
      access: text,
    }),
  ),
  memory: record({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: integer(0, 100),
    disableOOMKiller: flag,
    useHierarchy: flag,
    checkBeforeUpdate: flag,
  }),
  cpu: record({
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: text,
    mems: text,
    idle: int64,
  }),
  pids: record({ "limit!": int64 }),
  blockIO: record({
    weight: uint16,
    leafWeight: uint16,
    weightDevice: list(record({ "major!": int64, "minor!": int64, weight: uint16, leafWeight: uint16 })),
    throttleReadBpsDevice: throttles,
    throttleWriteBpsDevice: throttles,
    throttleReadIOPSDevice: throttles,
    throttleWriteIOPSDevice: throttles,
  }),
  hugepageLimits: list(
    record({ "pageSize!": pattern(/^[1-9][0-9]*[KMG]B$/, 'a size such as "2MB"'), "limit!": uint64 }),
  ),
  network: record({ classID: uint32, priorities: list(record({ "name!": text, "priority!": uint32 })) }),
  rdma: map(record({ hcaHandles: uint32, hcaObjects: uint32 })),
  unified: map(text),
});

const seccompArg = record({
  "index!": integer(0, 5),
  "value!": uint64,
  valueTwo: uint64,
  "op!": oneOf(seccompOperators),
});
/** The range of errno values that the kernel can return. */
const errno = integer(0, 4095);

const linuxShape = record({
  uidMappings: list(idMapping),
  gidMappings: list(idMapping),
  timeOffsets: map(record({ secs: int64, nanosecs: integer(0, 999_999_999) })),
  sysctl: map(text),
  resources: resourcesShape,
  cgroupsPath: text,
  namespaces: list(record({ "type!": oneOf(namespaceTypes), path: text })),
  devices: list(
    record({
      "type!": oneOf(["c", "b", "u", "p"]),
      "path!": pattern(/^\//, "an absolute path"),
      major: uint32,
      minor: uint32,
      fileMode: uint32,
      uid: id,
      gid: id,
    }),
  ),
  netDevices: map(record({ name: text })),
  seccomp: record({
    "defaultAction!": oneOf(seccompActions),
    defaultErrnoRet: errno,
    architectures: list(oneOf(seccompArchitectures)),
    flags: list(oneOf(seccompFlags)),
    listenerPath: text,
    listenerMetadata: text,
    syscalls: list(
      record({ "names!": texts, "action!": oneOf(seccompActions), errnoRet: errno, args: list(seccompArg) }),
    ),
  }),
  rootfsPropagation: oneOf(rootfsPropagations),
  maskedPaths: texts,
  readonlyPaths: texts,
  mountLabel: text,
  intelRdt: record({
    closID: pattern(/^(\/|(?!\.\.?$)[^/\0\n]+)$/, 'the name of one directory of resctrl, or "/"'),
    l3CacheSchema: line,
    memBwSchema: pattern(/^MB:[^\n\0]*$/, 'one line that begins with "MB:"'),
    schemata: list(line),
    enableMonitoring: flag,
  }),
  memoryPolicy: record({ "mode!": oneOf(memoryPolicyModes), nodes: idList, flags: list(oneOf(memoryPolicyFlags)) }),
  personality: record({ "domain!": oneOf(["LINUX", "LINUX32"]), flags: texts }),
});

export const specShape = record({
  "ociVersion!": pattern(/^\d+\.\d+\.\d+([-+].*)?$/, 'a version such as "1.2.0"'),
  root: record({ "path!": text, readonly: flag }),
  process: processShape,
  hostname: text,
  domainname: text,
  mounts: list(
    record({
      "destination!": text,
      type: text,
      source: text,
      options: texts,
      uidMappings: list(idMapping),
      gidMappings: list(idMapping),
    }),
  ),
  hooks: record({
    prestart: list(hook),
    createRuntime: list(hook),
    createContainer: list(hook),
    startContainer: list(hook),
    poststart: list(hook),
    poststop: list(hook),
  }),
  annotations: map(text),
  linux: linuxShape,
});
