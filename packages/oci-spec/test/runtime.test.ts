import { test } from "tap";
import {
  defaultCapabilities,
  defaultSeccompProfile,
  exampleSpec,
  parseSpec,
  SpecError,
  sysctlPath,
  validateProcess,
  validateResources,
} from "../src/runtime/index.ts";

/** The paths that a document is refused for. */
function refusedPaths(document: unknown): string[] {
  try {
    parseSpec(document as object);
    return [];
  } catch (error) {
    if (error instanceof SpecError) return error.problems.map(({ path }) => path);
    throw error;
  }
}

const minimal = { ociVersion: "1.2.0", root: { path: "rootfs" }, process: { cwd: "/", args: ["sh"] } };

test("valid documents are taken", async (t) => {
  t.same(refusedPaths({ ociVersion: "1.0.0", root: { path: "rootfs" } }), []);
  t.same(refusedPaths(minimal), []);
  t.same(refusedPaths(exampleSpec({ pureCgroup2: false })), []);
  t.same(refusedPaths(exampleSpec({ pureCgroup2: true, user: { uid: 1000, gid: 1000 } })), []);
  t.same(refusedPaths({ ...minimal, unknown: { field: 1 } }), [], "unknown fields are ignored");
  t.same(
    parseSpec('{"ociVersion":"1.2.0","root":{"path":"r"},"mounts":null,"linux":{"devices":null}}').linux,
    {},
    "null is absent",
  );
});

test("all problems are reported at once, with paths and allowed values", async (t) => {
  const bad = {
    ociVersion: 1,
    root: {},
    process: { cwd: "/", args: [7], rlimits: [{ type: "NOFILE", soft: -1, hard: 1.5 }] },
    linux: {
      namespaces: [{ type: "foo" }],
      resources: { rdma: { mlx: { hcaHandles: "x" } } },
      seccomp: { syscalls: [{}] },
    },
  };
  t.same(refusedPaths(bad), [
    ...["ociVersion", "root.path", "process.args[0]"],
    ...["process.rlimits[0].type", "process.rlimits[0].soft", "process.rlimits[0].hard"],
    ...["linux.resources.rdma.mlx.hcaHandles", "linux.namespaces[0].type"],
    ...["linux.seccomp.defaultAction", "linux.seccomp.syscalls[0].names", "linux.seccomp.syscalls[0].action"],
  ]);
  t.throws(() => parseSpec("{"), { message: /^invalid config.json: not JSON: / });
  t.throws(() => parseSpec({ ...minimal, linux: { namespaces: [{ type: "foo" }] } }), {
    message:
      'invalid config.json: linux.namespaces[0].type must be one of pid, network, mount, ipc, uts, user, cgroup, time, not "foo"',
  });
});

test("a rule is checked wherever its input has the right shape", async (t) => {
  const bad = {
    ociVersion: "1.3.0",
    root: {},
    process: { cwd: "rel", args: [] },
    mounts: [{ destination: "" }, { destination: "/m", type: "bind" }],
    linux: { devices: "x", maskedPaths: ["rel"], namespaces: [{ type: "pid" }, { type: "pid" }] },
  };
  t.same(refusedPaths(bad), [
    ...["root.path", "linux.devices", "process.cwd", "process.args", "mounts[0].destination", "mounts[1].source"],
    ...["linux.namespaces[1].type", "linux.maskedPaths[0]"],
  ]);
  t.same(refusedPaths([]), [""]);
});

test("rules between fields", async (t) => {
  const linux = (fields: object) => ({ ...minimal, linux: fields });
  const mount = (fields: object) => ({ ...minimal, mounts: [{ destination: "/m", source: "/s", ...fields }] });
  const scheduled = (scheduler: object) => ({ ...minimal, process: { ...minimal.process, scheduler } });
  const net = { namespaces: [{ type: "network" }] };
  const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
  const rule = { names: ["mkdir"], action: "SCMP_ACT_NOTIFY" };
  const notify = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/x", syscalls: [rule] };
  const cases: readonly (readonly [document: object, path: string])[] = [
    [{ ociVersion: "1.0.0" }, "root"],
    [{ ...minimal, ociVersion: "2.0.0" }, "ociVersion"],
    [{ ...minimal, process: { cwd: "tmp", args: ["sh"] } }, "process.cwd"],
    [{ ...minimal, process: { cwd: "/", args: [] } }, "process.args"],
    [
      { ...minimal, process: { ...minimal.process, rlimits: [{ type: "RLIMIT_CPU", soft: 2, hard: 1 }] } },
      "process.rlimits[0].soft",
    ],
    [{ ...minimal, hostname: "box" }, "hostname"],
    [linux({ namespaces: [{ type: "pid" }, { type: "pid" }] }), "linux.namespaces[1].type"],
    [linux({ namespaces: [{ type: "pid", path: "ns" }] }), "linux.namespaces[0].path"],
    [linux({ uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] }), "linux.uidMappings"],
    [linux({ timeOffsets: { boottime: { secs: 1 } } }), "linux.timeOffsets"],
    [linux({ sysctl: { "net.ipv4.ip_forward": "1" } }), 'linux.sysctl["net.ipv4.ip_forward"]'],
    [linux({ sysctl: { "vm.swappiness": "1" } }), 'linux.sysctl["vm.swappiness"]'],
    [linux({ sysctl: { "net//./kernel/x": "1" } }), 'linux.sysctl["net//./kernel/x"]'],
    [linux({ maskedPaths: ["proc"] }), "linux.maskedPaths[0]"],
    [linux({ devices: [{ path: "/dev/x", type: "c" }] }), "linux.devices[0]"],
    [linux({ netDevices: { eth0: {} } }), "linux.netDevices"],
    [linux({ ...net, netDevices: { eth0: { name: "a-name-that-is-too-long" } } }), "linux.netDevices.eth0.name"],
    [linux({ ...net, netDevices: { eth0: {}, eth1: { name: "eth0" } } }), "linux.netDevices.eth1.name"],
    [linux({ memoryPolicy: { mode: "MPOL_BIND" } }), "linux.memoryPolicy.nodes"],
    [linux({ memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" } }), "linux.memoryPolicy.nodes"],
    [linux({ memoryPolicy: { mode: "MPOL_BIND", nodes: "3-1" } }), "linux.memoryPolicy.nodes"],
    [linux({ intelRdt: { closID: "a/b" } }), "linux.intelRdt.closID"],
    [linux({ intelRdt: { memBwSchema: "L3:0=f" } }), "linux.intelRdt.memBwSchema"],
    [linux({ personality: { domain: "LINUX", flags: ["X"] } }), "linux.personality.flags"],
    [linux({ timeOffsets: { boottime: { nanosecs: 1e9 } } }), "linux.timeOffsets.boottime.nanosecs"],
    [linux({ seccomp: { defaultAction: "SCMP_ACT_NOTIFY" } }), "linux.seccomp.defaultAction"],
    [linux({ seccomp: { ...notify, syscalls: [{ ...rule, names: ["write"] }] } }), "linux.seccomp.syscalls[0].names"],
    [linux({ seccomp: { ...notify, listenerPath: "sock" } }), "linux.seccomp.listenerPath"],
    [mount({ uidMappings: mapping, options: ["bind", "idmap"] }), "mounts[0].gidMappings"],
    [mount({ options: ["bind", "ridmap"] }), "mounts[0].options"],
    [mount({ type: "tmpfs", uidMappings: mapping, gidMappings: mapping }), "mounts[0].uidMappings"],
    [scheduled({ policy: "SCHED_OTHER", nice: 20 }), "process.scheduler.nice"],
    [scheduled({ policy: "SCHED_FIFO" }), "process.scheduler.priority"],
    [scheduled({ policy: "SCHED_BATCH", priority: 1 }), "process.scheduler.priority"],
    [scheduled({ policy: "SCHED_RR", priority: 1, runtime: 1 }), "process.scheduler.runtime"],
    [{ ...minimal, process: { ...minimal.process, execCPUAffinity: { final: "x" } } }, "process.execCPUAffinity.final"],
  ];
  for (const [document, path] of cases) t.same(refusedPaths(document), [path], path);
});

test("sysctl names may have dots inside, in either spelling", async (t) => {
  const network = { namespaces: [{ type: "network" }] };
  for (const key of ["net/ipv4/conf/eth0.1/forwarding", "net.ipv4.conf.eth0/1.forwarding"]) {
    t.same(
      refusedPaths({ ociVersion: "1.2.0", root: { path: "rootfs" }, linux: { ...network, sysctl: { [key]: "1" } } }),
      [],
    );
    t.equal(sysctlPath(key), "net/ipv4/conf/eth0.1/forwarding");
  }
});

test("a process and resources are checked on their own", async (t) => {
  t.same(validateProcess({ cwd: "/", args: ["true"] }), []);
  t.match(validateProcess({ cwd: "/", args: [] }), [{ path: "process.args" }]);
  t.match(validateProcess({ args: ["true"], env: ["=x"] }), [{ path: "process.env[0]" }, { path: "process.cwd" }]);
  t.match(validateResources({ pids: {} }), [{ path: "resources.pids.limit" }]);
});

test("the default seccomp profile follows the capabilities and the architecture", async (t) => {
  const names = (capabilities: readonly string[], arch: string) =>
    new Set(
      defaultSeccompProfile(capabilities, arch)
        .syscalls?.filter(({ action, args }) => action === "SCMP_ACT_ALLOW" && !args)
        .flatMap(({ names }) => names),
    );
  const standard = names(defaultCapabilities, "amd64");
  for (const allowed of ["openat", "chroot", "arch_prctl", "execve"]) t.ok(standard.has(allowed), allowed);
  for (const refused of [
    "mount",
    "clone",
    "clone3",
    "unshare",
    "keyctl",
    "bpf",
    "io_uring_setup",
    "reboot",
    "swapon",
    "set_tls",
  ])
    t.notOk(standard.has(refused), refused);
  const admin = names(["CAP_SYS_ADMIN"], "arm64");
  for (const allowed of ["mount", "clone", "clone3", "set_tls"]) t.ok(admin.has(allowed), allowed);
  t.notOk(admin.has("chroot"));
});
