import {
  defaultCapabilities,
  defaultSeccompProfile,
  exampleSpec,
  parseSpec,
  type Spec,
  SpecError,
} from "@gantry/oci-spec/runtime";
import { randomFrom } from "@gantry/testkit";
import { cgroupManager } from "../src/cgroup/manager.ts";
import { cgroupPaths } from "../src/cgroup/paths.ts";
import type { Facts } from "../src/facts.ts";
import { compile } from "../src/plan/compile.ts";
import { encode } from "../src/plan/encode.ts";
import { explain } from "../src/plan/explain.ts";
import { mappedMounts } from "../src/plan/mapped-mounts.ts";
import { PlanError, slotsFor } from "../src/plan/op.ts";
import { brokenInvariant } from "./invariants.ts";

type Random = (below: number) => number;

/** Replacement values: edges of numbers, strings that mean something somewhere, other shapes. */
const strange: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 2 ** 31, 2 ** 32 - 1, 2 ** 53, 2 ** 64, 1e308, 0.5],
  ...[
    "",
    "/",
    "//",
    ".",
    "..",
    "/..",
    "../../etc",
    "/proc",
    "/proc/self/fd/7",
    "/dev/null",
    "a\0b",
    "\n",
    "é",
    "x".repeat(5000),
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "bind",
    "idmap",
    "remount",
    "ro",
    "rro",
    "tmpcopyup",
    "user",
    "SCMP_ACT_NOTIFY",
  ],
  ...[
    "RLIMIT_NOFILE",
    "CAP_SYS_ADMIN",
    "0-3,7",
    "MPOL_BIND",
    "SCHED_FIFO",
    "net.ipv4.ip_forward",
    "cgroup2",
    "proc",
    "tmpfs",
  ],
  ...[[], {}, [[]], [null], { type: "user" }, { path: "/" }, { toString: 1 }],
];

/** A rich document to start from: every part of the specification in it. */
function seedDocument(): unknown {
  const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const example = exampleSpec({ pureCgroup2: true }) as Spec & Required<Pick<Spec, "process" | "linux" | "mounts">>;
  const hook = { path: "/bin/true", args: ["true"], env: ["A=b"], timeout: 5 };
  return {
    ...example,
    domainname: "domain",
    annotations: { a: "b" },
    hooks: {
      prestart: [hook],
      createRuntime: [hook],
      createContainer: [hook],
      startContainer: [hook],
      poststop: [hook],
    },
    process: {
      ...example.process,
      user: { uid: 1000, gid: 1000, umask: 18, additionalGids: [1, 2] },
      scheduler: { policy: "SCHED_OTHER", nice: 1, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
      ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
      execCPUAffinity: { initial: "0", final: "0-1" },
      oomScoreAdj: 100,
      consoleSize: { width: 80, height: 25 },
    },
    mounts: [
      ...example.mounts,
      { destination: "/data", type: "bind", source: "/data", options: ["rbind", "ro", "rslave"] },
      {
        destination: "/mapped",
        type: "bind",
        source: "/data",
        options: ["bind", "idmap"],
        uidMappings: mappings,
        gidMappings: mappings,
      },
      { destination: "/old", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"] },
    ],
    linux: {
      ...example.linux,
      namespaces: [...(example.linux.namespaces ?? []), { type: "user" }, { type: "time" }],
      uidMappings: mappings,
      gidMappings: mappings,
      timeOffsets: { monotonic: { secs: 10, nanosecs: 5 } },
      devices: [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
      netDevices: { eth7: { name: "inside" } },
      sysctl: { "net.ipv4.ip_forward": "1", "kernel.shmmax": "100" },
      cgroupsPath: "/a/b",
      resources: { memory: { limit: 1 << 26 }, pids: { limit: 5 }, cpu: { shares: 5 }, unified: { "memory.max": "1" } },
      seccomp: { ...defaultSeccompProfile(defaultCapabilities, "x64"), listenerPath: "/run/agent.sock" },
      rootfsPropagation: "rslave",
      personality: { domain: "LINUX32" },
      memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] },
      intelRdt: { closID: "gold", schemata: ["L3:0=f"] },
    },
  };
}

/** Replaces, removes, copies or adds at random places; a document is changed as deep as it goes. */
function mutate(value: unknown, random: Random): unknown {
  const pick = () => strange[random(strange.length)];
  if (random(40) === 0) return pick();
  if (Array.isArray(value)) {
    const list = value.map((entry) => (random(3) === 0 ? mutate(entry, random) : entry));
    if (random(8) === 0) list.splice(random(list.length + 1), random(3));
    if (random(8) === 0) list.push(list.length > 0 && random(2) ? list[random(list.length)] : pick());
    return list;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, entry]) => [key, random(3) === 0 ? mutate(entry, random) : entry]);
    if (random(10) === 0) entries.splice(random(entries.length + 1), 1);
    if (random(20) === 0) entries.push([JSON.stringify(pick()) ?? "", pick()]);
    return Object.fromEntries(entries);
  }
  return random(12) === 0 ? pick() : value;
}

const kinds = ["refused", "unsupported", "compiled"] as const;
export type FuzzCounts = Record<(typeof kinds)[number], number>;

/**
 * Feeds random documents to parse, validate, compile and encode for some seconds. Whatever they are, they must be refused
 * with a SpecError or PlanError, or become a plan that keeps the order that security rests on.
 *
 * @throws Error that holds the document and its seed
 */
export function fuzzConfig(facts: Facts, { seconds, seed }: { seconds: number; seed: number }): FuzzCounts {
  const counts: FuzzCounts = { refused: 0, unsupported: 0, compiled: 0 };
  const document = seedDocument();
  const end = performance.now() + seconds * 1000;
  for (let run = 0; performance.now() < end; run++) {
    const random = randomFrom(seed + run).below;
    const mutated = random(4) === 0 ? document : mutate(document, random);
    const hosts = [
      facts,
      { ...facts, privileged: false, uid: 1000, gid: 1000 },
      { ...facts, resctrl: "/sys/fs/resctrl", selinux: true },
    ];
    try {
      counts[tryOne(mutated, hosts[random(hosts.length)] ?? facts)]++;
    } catch (error) {
      throw new Error(`seed ${seed + run}: ${(error as Error).stack}\n${JSON.stringify(mutated)}`);
    }
  }
  return counts;
}

function tryOne(document: unknown, facts: Facts): (typeof kinds)[number] {
  const text = JSON.stringify(document);
  let spec: Spec;
  try {
    spec = parseSpec(text);
  } catch (error) {
    if (error instanceof SpecError && error.problems.length > 0) return "refused";
    throw error;
  }
  try {
    const paths = cgroupPaths(facts, spec.linux?.cgroupsPath, "box");
    const cgroup = cgroupManager(facts, paths);
    const plan = compile({
      spec,
      facts,
      options: {
        ...{ id: "box", bundle: "/bundle", rootfs: "/bundle/rootfs", noPivot: false, newKeyring: true },
        ...{ cgroupFiles: cgroup.joinFiles(), cloneInto: cgroup.cloneInto(), cgroupPaths: paths },
        slots: slotsFor(0, mappedMounts(spec).length),
      },
    });
    const broken = brokenInvariant(plan);
    if (broken) throw new Error(`the plan breaks the rule: ${broken}`);
    if (explain(plan).length === 0 || encode(plan, () => new Uint8Array(8)).length === 0)
      throw new Error("an empty plan");
    return "compiled";
  } catch (error) {
    if (error instanceof PlanError) return "unsupported";
    throw error;
  }
}
