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
  text,
  uint16,
  uint32,
  uint64,
} from "./shape.ts";

/** The shape of config.json: runtime-spec config.md and config-linux.md. Checks between fields are in checks.ts. */

export const namespaceTypes = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"] as const;
const texts = list(text);

const capability = pattern(/^CAP_[A-Z_]+$/, 'a capability such as "CAP_CHOWN"');
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
  user: record({ uid: uint32, gid: uint32, umask: uint32, additionalGids: list(uint32) }),
  args: texts,
  env,
  "cwd!": text,
  capabilities: record({
    bounding: list(capability),
    effective: list(capability),
    inheritable: list(capability),
    permitted: list(capability),
    ambient: list(capability),
  }),
  rlimits: list(
    record({
      "type!": pattern(/^RLIMIT_[A-Z]+$/, 'a limit such as "RLIMIT_NOFILE"'),
      "soft!": uint64,
      "hard!": uint64,
    }),
  ),
  noNewPrivileges: flag,
  apparmorProfile: text,
  selinuxLabel: text,
  oomScoreAdj: integer(-1000, 1000),
  scheduler: record({
    "policy!": text,
    nice: int32,
    priority: int32,
    flags: texts,
    runtime: uint64,
    deadline: uint64,
    period: uint64,
  }),
  ioPriority: record({
    "class!": oneOf(["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]),
    priority: integer(0, 7),
  }),
  execCPUAffinity: record({
    initial: pattern(/^[0-9, -]*$/, 'a list of processors such as "0-3,7"'),
    final: pattern(/^[0-9, -]*$/, 'a list of processors such as "0-3,7"'),
  }),
});

const throttles = list(record({ "major!": int64, "minor!": int64, "rate!": uint64 }));

export const resourcesShape = record({
  devices: list(
    record({
      "allow!": flag,
      type: oneOf(["a", "b", "c", "u", "p", ""]),
      major: int64,
      minor: int64,
      access: pattern(/^[rwm]*$/, 'made of "r", "w" and "m"'),
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

const seccompArg = record({ "index!": integer(0, 5), "value!": uint64, valueTwo: uint64, "op!": text });

const linuxShape = record({
  uidMappings: list(idMapping),
  gidMappings: list(idMapping),
  timeOffsets: map(record({ secs: int64, nanosecs: uint32 })),
  sysctl: map(text),
  resources: resourcesShape,
  cgroupsPath: text,
  namespaces: list(record({ "type!": oneOf(namespaceTypes), path: text })),
  devices: list(
    record({
      "type!": oneOf(["c", "b", "u", "p"]),
      "path!": pattern(/^\//, "an absolute path"),
      major: int64,
      minor: int64,
      fileMode: uint32,
      uid: uint32,
      gid: uint32,
    }),
  ),
  netDevices: map(record({ name: text })),
  seccomp: record({
    "defaultAction!": pattern(/^SCMP_ACT_/, 'an action such as "SCMP_ACT_ERRNO"'),
    defaultErrnoRet: uint32,
    architectures: list(pattern(/^SCMP_ARCH_/, 'an architecture such as "SCMP_ARCH_X86_64"')),
    flags: list(pattern(/^SECCOMP_FILTER_FLAG_/, 'a flag such as "SECCOMP_FILTER_FLAG_LOG"')),
    listenerPath: text,
    listenerMetadata: text,
    syscalls: list(
      record({
        "names!": texts,
        "action!": pattern(/^SCMP_ACT_/, 'an action such as "SCMP_ACT_ALLOW"'),
        errnoRet: uint32,
        args: list(seccompArg),
      }),
    ),
  }),
  rootfsPropagation: oneOf([
    "",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "unbindable",
    "runbindable",
  ]),
  maskedPaths: texts,
  readonlyPaths: texts,
  mountLabel: text,
  intelRdt: record({}),
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
