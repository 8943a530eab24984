import { test } from "tap";
import { assemble, deviceProgram } from "../src/cgroup/device-program.ts";
import { containerResources } from "../src/cgroup/resources.ts";
import { limitsV1 } from "../src/cgroup/v1-limits.ts";
import { cpuMax, cpuWeight, ioWeight, limitsV2, type PresentLimits } from "../src/cgroup/v2-limits.ts";

const fresh: PresentLimits = { cpuMax: "max 100000", burst: 0, memory: undefined };
const silent = () => undefined;

/** The writes, as "file value". */
function writes(resources: Parameters<typeof limitsV2>[0], present: PresentLimits = fresh): string[] {
  return limitsV2(resources, present, silent).map(({ file, value }) => `${file} ${value}`);
}

test("version 2: the specification's units become the kernel's", async (t) => {
  t.same(writes({ memory: { limit: 100, swap: 150, reservation: 50 } }), [
    "memory.swap.max 50",
    "memory.max 100",
    "memory.low 50",
  ]);
  t.same(
    writes({ memory: { limit: -1 } }),
    ["memory.swap.max max", "memory.max max"],
    "no limit is none for swap, too",
  );
  t.same(
    writes({ memory: { swap: 150 } }, { ...fresh, memory: 100 }),
    ["memory.swap.max 50"],
    "the limit that is there",
  );
  t.same(writes({ cpu: { shares: 1024 }, pids: { limit: -1 } }), ["cpu.weight 39", "pids.max max"]);
  t.same([2, 262144, 1].map(cpuWeight), [1, 10000, 1]);
  t.same([10, 1000].map(ioWeight), [1, 10000]);
  t.equal(cpuMax({ period: 50_000 }, "20000 100000"), "20000 50000", "a period alone leaves the quota");
  t.equal(cpuMax({ quota: -1 }, "20000 50000"), "max 50000");
  t.same(writes({ hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }] }), [
    "hugetlb.2MB.max 4194304",
    "hugetlb.2MB.rsvd.max 4194304",
  ]);
  t.same(writes({ rdma: { mlx5_1: { hcaHandles: 3 } } }), ["rdma.max mlx5_1 hca_handle=3 hca_object=max"]);
  t.same(writes({ unified: { "io.max": "8:0 rbps=1\n8:16 rbps=2" } }), ["io.max 8:0 rbps=1", "io.max 8:16 rbps=2"]);
});

test("version 2: a burst is never above its quota on the way", async (t) => {
  t.same(writes({ cpu: { quota: 20_000, burst: 10_000 } }), ["cpu.max 20000 100000", "cpu.max.burst 10000"]);
  t.same(writes({ cpu: { quota: 5000, burst: 1000 } }, { ...fresh, burst: 10_000 }), [
    "cpu.max.burst 1000",
    "cpu.max 5000 100000",
  ]);
});

test("settings that a cgroup version lacks are refused by name", async (t) => {
  const refused: [Parameters<typeof limitsV2>[0], RegExp][] = [
    [
      { memory: { disableOOMKiller: true } },
      /memory\.disableOOMKiller cannot be set: this machine has cgroup version 2/,
    ],
    [{ memory: { swappiness: 10 } }, /memory\.swappiness/],
    [{ cpu: { realtimeRuntime: 1000 } }, /cpu\.realtimeRuntime/],
    [{ network: { classID: 1 } }, /network\.classID/],
    [{ memory: { swap: 100 } }, /needs linux\.resources\.memory\.limit/],
    [{ memory: { limit: 200, swap: 100 } }, /must be at least limit \(200\)/],
    [{ unified: { "../x": "1" } }, /without a slash/],
  ];
  for (const [resources, message] of refused) t.throws(() => limitsV2(resources, fresh, silent), { message });
  t.throws(() => limitsV1({ unified: { "memory.max": "1" } }, silent), { message: /unified .*version 1/ });
  const warnings: string[] = [];
  limitsV2({ memory: { kernel: 1 } }, fresh, (message) => warnings.push(message));
  limitsV1({ memory: { kernel: 1 }, blockIO: { leafWeight: 10 } }, (message) => warnings.push(message));
  t.match(warnings, [/memory\.kernel is ignored/, /memory\.kernel is ignored/, /leafWeight is ignored/]);
});

test("the program of a container's device rules", async (t) => {
  const { devices = [] } = containerResources({
    devices: [
      { allow: false, access: "rwm" },
      { allow: true, type: "b", major: 8, minor: 0, access: "r" },
      { allow: false, type: "c", major: 10, access: "w" },
    ],
  });
  const program = deviceProgram(devices.slice(0, 3));
  t.same(
    program.map(({ text }) => text),
    [
      ...["load type and access", "access = both", "access >>= 16", "type &= 0xffff", "load major", "load minor"],
      ...["if type != 2 skip 5", "if major != 10 skip 4", "if access & 4 skip 1", "skip 2", "deny", "end"],
      ...["if type != 1 skip 6", "if major != 8 skip 5", "if minor != 0 skip 4"],
      ...["access &= ~2", "if access != 0 skip 2", "allow", "end", "deny", "end"],
    ],
  );
  const bytes = assemble(program);
  t.equal(bytes.length, program.length * 8);
  t.equal(bytes.subarray(0, 8).toString("hex"), "6112000000000000", "r2 = *(u32 *)(r1 + 0)");
  t.equal(bytes.subarray(-8).toString("hex"), "9500000000000000", "exit");
});

test("device rules decide as runtime-spec says: the last matching rule wins", async (t) => {
  const decide = (rules: Parameters<typeof deviceProgram>[0], type: 1 | 2, numbers: [number, number], access: number) =>
    interpret(rules, [type | (access << 16), ...numbers]);
  const rules = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
    { allow: false, type: "c", major: 1, minor: 7 },
  ];
  t.equal(decide(rules, 2, [1, 3], 6), 1, "read and write by the third rule");
  t.equal(decide(rules, 2, [1, 3], 7), 1, "and made by the second: together all that is wanted");
  t.equal(decide(rules, 2, [1, 5], 2), 0);
  t.equal(decide(rules, 2, [1, 7], 1), 0, "denied after it was allowed");
  t.equal(decide(rules, 1, [1, 3], 2), 0, "a block device of the same number is another");
  t.equal(decide([], 2, [1, 3], 2), 0, "without rules nothing is allowed");
  t.equal(decide([{ allow: true, type: "a", access: "rwm" }], 1, [8, 0], 7), 1);
});

/** Runs a program as the kernel would; context is its three 32-bit arguments. */
function interpret(rules: Parameters<typeof deviceProgram>[0], context: readonly number[]): number {
  const registers = [0, 0, 0, 0, 0, 0];
  const program = deviceProgram(rules);
  const steps: Readonly<Record<number, (dst: number, src: number, immediate: number, offset: number) => number>> = {
    97: (dst, _src, _immediate, offset) => set(dst, context[offset / 4] ?? 0),
    191: (dst, src) => set(dst, registers[src] ?? 0),
    119: (dst, _src, immediate) => set(dst, (registers[dst] ?? 0) >>> immediate),
    87: (dst, _src, immediate) => set(dst, (registers[dst] ?? 0) & immediate),
    183: (dst, _src, immediate) => set(dst, immediate),
    85: (dst, _src, immediate, offset) => (registers[dst] === immediate ? 0 : offset),
    69: (dst, _src, immediate, offset) => ((registers[dst] ?? 0) & immediate ? offset : 0),
    5: (_dst, _src, _immediate, offset) => offset,
  };
  const set = (register: number, value: number) => {
    registers[register] = value;
    return 0;
  };
  for (let at = 0; at < program.length; at++) {
    const step = program[at];
    if (!step || step.code === 149) break;
    at += steps[step.code]?.(step.dst, step.src, step.immediate, step.offset) ?? 0;
  }
  return registers[0] ?? -1;
}
