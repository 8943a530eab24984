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

const cases = goldenCases();

test("plans read as they did", async (t) => {
  for (const { name, plan, path } of cases)
    t.equal(explain(plan), readFileSync(path, "utf8"), `${name}: golden-write.ts renews it after a wished change`);
});

/** Positions of the operations of some kinds. */
function positions(ops: readonly Op[], ...kinds: Op["op"][]): number[] {
  return ops.flatMap(({ op }, index) => (kinds.includes(op) ? [index] : []));
}

test("the order that security rests on holds in every plan", async (t) => {
  for (const { name, plan } of cases) {
    const { ops } = plan;
    const [root = -1] = positions(ops, "root");
    const [pivot = -1] = positions(ops, "pivot");
    const [user = -1] = positions(ops, "user");
    const last = (...kinds: Op["op"][]) => Math.max(-1, ...positions(ops, ...kinds));
    const first = (...kinds: Op["op"][]) => Math.min(ops.length, ...positions(ops, ...kinds));
    const mounting = ["mount", "bind", "copyUp", "mknod", "mask", "readonly", "attributes", "propagate"] as const;
    t.ok(root >= 0 && root < pivot, `${name}: the root file system is taken before the pivot`);
    t.ok(
      first("mount", "bind", "copyUp", "mknod", "mkdir", "symlink") > root,
      `${name}: nothing is mounted or made outside the root`,
    );
    t.ok(last("unshare", "join", "fork") < root, `${name}: all namespaces come before the first mount`);
    t.ok(first("mask", "readonly") > pivot, `${name}: paths are hidden in the final root`);
    t.ok(last("bind", "mount", "copyUp") < pivot, `${name}: no path of the host is used after the pivot`);
    t.ok(last(...mounting) < user, `${name}: the user drops after all mounts`);
    t.ok(
      last("write") < pivot && last("writeProc") < user,
      `${name}: settings are written with the host's /proc or a checked one`,
    );
    t.ok(last("boundingSet") < user && user < first("capabilities"), `${name}: capabilities: bounding, user, the rest`);
    t.ok(first("program") > first("capabilities"), `${name}: the program is looked for with the program's rights`);
    t.equal(ops.at(-1)?.op, "exec", `${name}: exec ends the plan`);
    t.equal(positions(ops, "exec", "user", "pivot", "root", "wait").length, 5, `${name}: each once`);
    const [seccomp] = positions(ops, "seccomp");
    if (seccomp === undefined) continue;
    const [noNew] = positions(ops, "noNewPrivileges");
    if (noNew === undefined)
      t.ok(
        seccomp < first("boundingSet") && seccomp > pivot,
        `${name}: a filter without no_new_privs comes before rights go`,
      );
    else t.equal(seccomp, ops.length - 2, `${name}: the filter is last, right before exec`);
  }
});

test("a volume over /proc or /sys cannot redirect the mounts there", async (t) => {
  for (const { name, plan } of cases)
    for (const op of plan.ops)
      if (op.op === "mount" && (op.type === "proc" || op.type === "sysfs"))
        t.equal(op.strict, 1, `${name}: ${op.target}`);
});

const facts = JSON.parse(readFileSync(new URL("golden/default/facts.json", import.meta.url), "utf8")) as Facts;

function compileWith(change: Record<string, unknown>, linux: Record<string, unknown> = {}): readonly Op[] {
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
  return compile({ spec, facts, options }).ops;
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

test("what is not supported is refused by name", async (t) => {
  t.throws(() => compileWith({}, { namespaces: [{ type: "pid" }] }), /must hold \{"type": "mount"\}/);
  t.throws(
    () => compileWith({ process: { cwd: "/", args: ["true"], apparmorProfile: "x" } }),
    /AppArmor is not enabled/,
  );
  t.throws(
    () => compileWith({ process: { cwd: "/", args: ["true"], rlimits: [{ type: "RLIMIT_FOO", soft: 1, hard: 1 }] } }),
    /rlimits\[0\]\.type must be one of RLIMIT_CPU,.*"RLIMIT_FOO"/,
  );
  t.throws(() => compileWith({}, { seccomp: { defaultAction: "SCMP_ACT_NOTIFY" } }), /SCMP_ACT_NOTIFY/);
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
