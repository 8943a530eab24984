import { test } from "tap";
import { createContainer } from "../src/run/create/create.ts";
import { Box, cannotRun } from "./box.ts";

/** A configuration that cannot be used is refused with the path of the value and what would be right. */

const skip = cannotRun() ?? false;
type Change = NonNullable<Parameters<Box["configure"]>[1]>;

const linux =
  (fields: object): Change =>
  (spec) => {
    Object.assign(spec.linux, fields);
  };
const process_ =
  (fields: object): Change =>
  (spec) => {
    Object.assign(spec.process, fields);
  };
const mount =
  (fields: object): Change =>
  (spec) => {
    spec.mounts.push({ destination: "/x", ...fields });
  };
const seccomp = (fields: object) => linux({ seccomp: { defaultAction: "SCMP_ACT_ALLOW", ...fields } });
const rule = { names: ["mkdir"], action: "SCMP_ACT_ERRNO" };

const cases: readonly (readonly [message: RegExp, change: Change])[] = [
  [
    /linux\.seccomp\.defaultAction must be one of SCMP_ACT_KILL,.*"SCMP_ACT_X"/,
    seccomp({ defaultAction: "SCMP_ACT_X" }),
  ],
  [
    /linux\.seccomp\.flags\[0\] must be one of SECCOMP_FILTER_FLAG_TSYNC,.*"SECCOMP_FILTER_FLAG_X"/,
    seccomp({ flags: ["SECCOMP_FILTER_FLAG_X"] }),
  ],
  [
    /linux\.seccomp\.listenerPath is missing: SCMP_ACT_NOTIFY needs a socket/,
    seccomp({ syscalls: [{ ...rule, action: "SCMP_ACT_NOTIFY" }] }),
  ],
  [
    /linux\.seccomp\.syscalls\[0\]\.args\[0\]\.op must be one of SCMP_CMP_NE,.*"SCMP_CMP_X"/,
    seccomp({ syscalls: [{ ...rule, args: [{ index: 0, value: 1, op: "SCMP_CMP_X" }] }] }),
  ],
  [
    /linux\.seccomp\.architectures\[0\] must be one of SCMP_ARCH_X86,.*"SCMP_ARCH_Z80"/,
    seccomp({ architectures: ["SCMP_ARCH_Z80"], syscalls: [rule] }),
  ],
  [
    /linux\.seccomp\.listenerPath: sending the listener to \/nowhere: connect.*ENOENT/,
    seccomp({ listenerPath: "/nowhere", syscalls: [{ ...rule, action: "SCMP_ACT_NOTIFY" }] }),
  ],
  [/linux\.seccomp\.listenerMetadata needs listenerPath/, seccomp({ listenerMetadata: "x" })],
  [/linux\.seccomp\.defaultErrnoRet is for SCMP_ACT_ERRNO and SCMP_ACT_TRACE/, seccomp({ defaultErrnoRet: 1 })],
  [
    /linux\.sysctl\["kernel\.core_pattern"\] .*allowed are kernel\.msg/,
    linux({ sysctl: { "kernel.core_pattern": "|/x" } }),
  ],
  [
    /writing "1" to \/proc\/sys\/net\/nope: ENOENT.*\(linux\.sysctl\["net\.nope"\]\)/,
    linux({ sysctl: { "net.nope": "1" } }),
  ],
  [
    /process\.rlimits\[0\]\.type must be one of RLIMIT_CPU,.*"RLIMIT_X"/,
    process_({ rlimits: [{ type: "RLIMIT_X", soft: 1, hard: 1 }] }),
  ],
  [/process\.capabilities\.bounding\[0\] must be a string/, process_({ capabilities: { bounding: [1] } })],
  // Of these the kernel takes the largest as "do not change", and the process would stay root.
  [/process\.user\.uid must be a whole number from 0 to 4294967294/, process_({ user: { uid: 0xffffffff, gid: 0 } })],
  [/process\.user\.gid must be a whole number from 0 to 4294967294/, process_({ user: { uid: 0, gid: 0xffffffff } })],
  [
    /process\.user\.additionalGids\[1\] must be a whole number from 0 to/,
    process_({ user: { uid: 0, gid: 0, additionalGids: [1, 0xffffffff] } }),
  ],
  [/making the directory \/etc\/passwd .*ENOTDIR.*\(process\.cwd\)/, process_({ cwd: "/etc/passwd" })],
  [/process\.scheduler\.policy must be one of SCHED_OTHER,/, process_({ scheduler: { policy: "SCHED_X" } })],
  [/process\.oomScoreAdj must be a whole number from -1000 to 1000/, process_({ oomScoreAdj: 2000 })],
  [/process\.selinuxLabel is "x", but SELinux is not enabled/, process_({ selinuxLabel: "x" })],
  [/linux\.mountLabel is "x", but SELinux is not enabled/, linux({ mountLabel: "x" })],
  [/mounting "x" on \/x: file system "nofs": ENODEV.*\(mounts\[7\]\)/, mount({ type: "nofs", source: "x" })],
  [/tmpfs: Unknown parameter 'frob'.*\(mounts\[7\]\)/, mount({ type: "tmpfs", options: ["frob"] })],
  [/mounts\[7\]\.type is missing: name a file system, or give the option bind/, mount({ source: "/tmp" })],
  [
    /mounts\[7\]\.options: "frob" is not an option of a bind mount/,
    mount({ source: "/tmp", options: ["bind", "frob"] }),
  ],
  [/mounting "tmpfs" on \/etc\/passwd: ENOTDIR.*\(mounts\[7\]\)/, mount({ destination: "/etc/passwd", type: "tmpfs" })],
  [/linux\.devices\[0\] needs major and minor numbers/, linux({ devices: [{ path: "/dev/x", type: "c" }] })],
  [
    /making \/etc: another file has its place: EEXIST.*\(linux\.devices\[0\]\)/,
    linux({ devices: [{ path: "/etc", type: "c", major: 1, minor: 3 }] }),
  ],
  [/linux\.cgroupsPath must name a cgroup below the root, not "\/"/, linux({ cgroupsPath: "/" })],
  [/linux\.cgroupsPath: making the cgroup ".*a\\nb": /, linux({ cgroupsPath: "a\nb" })],
  [/linux\.maskedPaths\[0\] must be an absolute path, not "rel"/, linux({ maskedPaths: ["rel"] })],
];

test("each wrong value is named by its path, with the allowed values", { skip }, async (t) => {
  await using box = new Box();
  for (const [message, change] of cases) {
    box.configure("true", change);
    const created = createContainer(box.host, box.store, box.request(box.newId(), [0, 1, 2]));
    await t.rejects(created, { message }, String(message));
  }
  t.same(box.store.list(), []);
});
