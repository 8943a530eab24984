import { readFileSync } from "node:fs";
import { MOUNT_ATTR_RDONLY } from "@gantry/native-sys";
import { parseSpec } from "@gantry/oci-spec/runtime";
import { test } from "tap";
import type { Facts } from "../src/facts.ts";
import { parseCgroups } from "../src/facts.ts";
import { compile } from "../src/plan/compile.ts";
import { explain } from "../src/plan/explain.ts";
import type { Op } from "../src/plan/op.ts";
import { slotsFor } from "../src/plan/op.ts";
import { goldenCases } from "./golden.ts";
import { brokenInvariant } from "./invariants.ts";

const cases = goldenCases();

test("plans read as they did", async (t) => {
  for (const { name, plan, path } of cases)
    t.equal(explain(plan), readFileSync(path, "utf8"), `${name}: golden-write.ts renews it after an intended change`);
});

test("the order that security rests on holds in every plan", async (t) => {
  for (const { name, plan } of cases) t.equal(brokenInvariant(plan), undefined, name);
});

test("an operation in another place breaks it", async (t) => {
  const plan = cases.find(({ name }) => name === "everything")?.plan;
  if (!plan) throw new Error("no golden case everything");
  const moved = (op: Op["op"], to: number) => {
    const at = plan.ops.findIndex((one) => one.op === op);
    const [one, rest] = [plan.ops[at] as Op, plan.ops.toSpliced(at, 1)];
    return brokenInvariant({ ...plan, ops: rest.toSpliced(to < 0 ? rest.length + to : to, 0, one) });
  };
  t.equal(moved("pivot", 0), "the root file system is taken before the pivot");
  t.equal(moved("user", 30), "the user drops after all mounts");
  t.equal(moved("mask", 0), "paths are hidden in the final root");
  t.equal(moved("bind", -1), "no path of the host is used after the pivot");
  t.equal(
    moved("seccomp", 50),
    "the filter is loaded where it binds the program and the hooks before it, and nothing else",
  );
  t.equal(moved("capabilities", 3), "capabilities: bounding, user, the rest");
});

const facts = JSON.parse(readFileSync(new URL("golden/default/facts.json", import.meta.url), "utf8")) as Facts;

function compileWith(
  change: Record<string, unknown>,
  linux: Record<string, unknown> = {},
  host: Partial<Facts> = {},
): readonly Op[] {
  const spec = parseSpec({
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    process: { cwd: "/", args: ["true"] },
    ...change,
    linux: { namespaces: [{ type: "mount" }], ...linux },
  });
  const options = {
    ...{
      id: "box",
      bundle: "/bundle",
      rootfs: "/bundle/rootfs",
      cgroupFiles: [],
      cgroupPaths: {},
      cloneInto: undefined,
    },
    ...{ slots: slotsFor(0), noPivot: false, newKeyring: false },
  };
  return compile({ spec, facts: { ...facts, ...host }, options }).ops;
}

test("mount options become attributes", async (t) => {
  const mount = (options: string[]) =>
    compileWith({ mounts: [{ destination: "/m", source: "src", type: "bind", options }] });
  const bind = (options: string[]) => mount(options).find((op) => op.op === "bind" && op.target === "/m");
  t.match(bind(["bind", "ro"]), { source: "/bundle/src", set: MOUNT_ATTR_RDONLY, setRecursive: 0, recursive: 0 });
  t.match(bind(["rbind", "rro"]), { set: 0, setRecursive: MOUNT_ATTR_RDONLY, recursive: 1 });
  t.match(bind(["rbind", "ro", "rw"]), { set: 0, clear: MOUNT_ATTR_RDONLY }, "the last one counts");
  t.ok(mount(["rbind", "rshared"]).some((op) => op.op === "propagate" && op.path === "/m" && op.recursive === 1));
  t.throws(() => mount(["bind", "idmap"]), /mounts\[0\]\.options "idmap" needs uidMappings and gidMappings/);
});

test("unsupported settings are refused by name", async (t) => {
  t.throws(
    () => compileWith({}, { namespaces: [{ type: "pid" }], maskedPaths: ["/proc/kcore"] }),
    /linux.maskedPaths: needs \{"type": "mount"\}/,
  );
  t.throws(
    () => compileWith({ process: { cwd: "/", args: ["true"], apparmorProfile: "x" } }),
    /AppArmor is not enabled/,
  );
  t.throws(
    () => compileWith({ process: { cwd: "/", args: ["true"], rlimits: [{ type: "RLIMIT_FOO", soft: 1, hard: 1 }] } }),
    /rlimits\[0\]\.type must be one of RLIMIT_CPU,.*"RLIMIT_FOO"/,
  );
  t.throws(() => compileWith({}, { seccomp: { defaultAction: "SCMP_ACT_NOTIFY" } }), /SCMP_ACT_NOTIFY/);
  for (const path of ["/proc/self/fd/7", "/dev/../proc/kmsg", "//proc/fuse"]) {
    const device = { path, type: "c", major: 10, minor: 229 };
    for (const inUserNamespace of [false, true])
      t.throws(() => compileWith({}, { devices: [device] }, { inUserNamespace }), {
        message: `linux.devices[0].path: ${path} must not be in /proc`,
      });
  }
});

test("SELinux labels: of the process, and of the mounts that the kernel does not label by itself", async (t) => {
  const label = "system_u:object_r:container_file_t:s0";
  const mounts = ["tmpfs", "devpts", "proc", "sysfs", "mqueue"].map((type) => ({ destination: `/${type}`, type }));
  const process = { cwd: "/", args: ["true"], selinuxLabel: "system_u:system_r:container_t:s0" };
  const ops = compileWith({ process, mounts }, { mountLabel: label }, { selinux: true });
  const labelled = ops.flatMap((op) =>
    op.op === "mount" && op.options.includes(`context=${label}`) ? [op.target] : [],
  );
  t.same(labelled, ["/tmpfs", "/devpts"]);
  t.match(
    ops.find(({ why }) => why === "process.selinuxLabel"),
    { op: "writeProc", path: "self/attr/exec", data: process.selinuxLabel },
  );
});

test("cgroup trees are found in mountinfo", async (t) => {
  const line = (path: string, type: string, options: string) => `30 20 0:1 / ${path} rw - ${type} cgroup rw,${options}`;
  const hybrid = [
    line("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "cpu,cpuacct"),
    line("/sys/fs/cgroup/systemd", "cgroup", "xattr,name=systemd"),
    line("/sys/fs/cgroup/unified", "cgroup2", "nsdelegate"),
  ].join("\n");
  t.match(parseCgroups(hybrid), {
    mode: "hybrid",
    hierarchies: [
      { name: "cpu,cpuacct", controllers: ["cpu", "cpuacct"] },
      { name: "systemd", mountOptions: ["none", "name=systemd"] },
      { name: "unified", version: 2 },
    ],
  });
  t.equal(parseCgroups(line("/sys/fs/cgroup", "cgroup2", "nsdelegate")).mode, "v2");
});

test("seccomp flags reach the kernel's numbers, and unknown ones are refused whatever the filter is", async (t) => {
  const rules = [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }];
  const profile = (flags: string[]) => ({ defaultAction: "SCMP_ACT_ALLOW", flags, syscalls: rules });
  const names = ["TSYNC", "LOG", "SPEC_ALLOW"].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
  for (const [flags, mask] of [
    [names, 7],
    [names.slice(0, 1), 1],
    [names.slice(1, 2), 2],
    [names.slice(2), 4],
    [[], 0],
  ] as const)
    t.match(
      compileWith({}, { seccomp: profile([...flags]) }).find(({ op }) => op === "seccomp"),
      { flags: mask },
    );
  const unknown = { defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_NEW_LISTENER"] };
  t.throws(
    () => compileWith({}, { seccomp: unknown }),
    /linux\.seccomp\.flags\[0\] must be one of SECCOMP_FILTER_FLAG_TSYNC,/,
  );
});
