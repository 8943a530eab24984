import { existsSync, globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { cannotRun, olderRunc, Runtime, unlikeRunc } from "./runtime.ts";

const cpu = "/sys/fs/cgroup/cpu";
const memory = "/sys/fs/cgroup/memory";

/** Changes of limits that the kernel takes in one order only, on cgroups of version 1. */
export function limitOrder(program: string): void {
  const skip = cannotRun(program) || unlikeRunc(program) || withoutVersionOne();
  cpuTimes(program, skip);
  memorySizes(program, skip);
}

function cpuTimes(program: string, skip: string | false): void {
  test("update: period and quota below a limited parent, in both directions", { skip }, async (t) => {
    using parent = new Parent();
    await using runtime = new Runtime(program);
    parent.write(cpu, "cpu.cfs_quota_us", "50000");
    runtime.configure("sleep 1000", (config) => {
      config.linux["cgroupsPath"] = `/${parent.name}/box`;
      config.linux.resources = { cpu: { period: 100_000, quota: 50_000 } };
    });
    const id = await runtime.runDetached();
    const now = () => ["period", "quota"].map((name) => parent.read(cpu, `box/cpu.cfs_${name}_us`));
    for (const [period, quota] of [
      ["10000", "5000"],
      ["100000", "40000"],
      ["1000000", "500000"],
      ["20000", "10000"],
    ] as const) {
      const { code, stderr } = await runtime.cli("update", "--cpu-period", period, "--cpu-quota", quota, id);
      t.equal(code, 0, stderr);
      t.same(now(), [period, quota]);
    }
    const refused = await runtime.cli("update", "--cpu-period", "10000", "--cpu-quota", "9000", id);
    t.match(refused, { code: 1, stderr: /cpu\.?_?cfs_(quota|period)|invalid argument/i });
  });

  test("update: real-time period and runtime in both directions", {
    skip: skip || olderRunc(program, 1.5) || withoutRealTime(),
  }, async (t) => {
    using parent = new Parent();
    await using runtime = new Runtime(program);
    parent.write(cpu, "cpu.rt_runtime_us", "100000");
    runtime.configure("sleep 1000", (config) => {
      config.linux["cgroupsPath"] = `/${parent.name}/box`;
    });
    const id = await runtime.runDetached();
    const now = () => ["period", "runtime"].map((name) => parent.read(cpu, `box/cpu.rt_${name}_us`));
    for (const [period, time] of [
      ["1000000", "90000"],
      ["100000", "9000"],
      ["2000000", "180000"],
    ] as const) {
      const { code, stderr } = await runtime.cli("update", "--cpu-rt-period", period, "--cpu-rt-runtime", time, id);
      t.equal(code, 0, stderr);
      t.same(now(), [period, time]);
    }
  });

  test("update: quota below the burst so far", { skip: skip || withoutBurst(program) }, async (t) => {
    using parent = new Parent();
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", (config) => {
      config.linux["cgroupsPath"] = `/${parent.name}/box`;
      config.linux.resources = { cpu: { period: 100_000, quota: 50_000, burst: 40_000 } };
    });
    const id = await runtime.runDetached();
    const now = () => ["quota", "burst"].map((name) => parent.read(cpu, `box/cpu.cfs_${name}_us`));
    for (const [quota, burst] of [
      ["20000", "10000"],
      ["60000", "50000"],
      ["10000", "0"],
    ] as const) {
      const { code, stderr } = await runtime.cli("update", "--cpu-quota", quota, "--cpu-burst", burst, id);
      t.equal(code, 0, stderr);
      t.same(now(), [quota, burst]);
    }
  });
}

function memorySizes(program: string, skip: string | false): void {
  test("update: memory, memory with swap and reservation, up, down and to none", { skip }, async (t) => {
    using parent = new Parent();
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", (config) => {
      config.linux["cgroupsPath"] = `/${parent.name}/box`;
      config.linux.resources = { memory: { limit: 64 << 20, swap: 64 << 20, reservation: 32 << 20 } };
    });
    const id = await runtime.runDetached();
    const names = ["limit", "memsw.limit", "soft_limit"];
    const now = () => names.map((name) => parent.read(memory, `box/memory.${name}_in_bytes`));
    const none = parent.read(memory, "memory.limit_in_bytes");
    const MiB = (count: number) => String(count << 20);
    const steps: readonly (readonly [flags: string[], expected: string[]])[] = [
      [
        ["--memory", "128m", "--memory-swap", "256m", "--memory-reservation", "100m"],
        [MiB(128), MiB(256), MiB(100)],
      ],
      [
        ["--memory", "32m", "--memory-swap", "48m"],
        [MiB(32), MiB(48), MiB(100)],
      ],
      [
        ["--memory", "-1", "--memory-swap", "-1"],
        [none, none, MiB(100)],
      ],
      [
        ["--memory", "32m", "--memory-swap", "32m", "--memory-reservation", "16m"],
        [MiB(32), MiB(32), MiB(16)],
      ],
      [
        ["--memory", "-1"],
        [none, none, MiB(16)],
      ],
      [
        ["--memory", "48m", "--memory-reservation", "-1"],
        [MiB(48), none, none],
      ],
    ];
    for (const [flags, expected] of steps) {
      const { code, stderr } = await runtime.cli("update", ...flags, id);
      t.equal(code, 0, `${flags.join(" ")} ${stderr}`);
      t.same(now(), expected);
    }
  });
}

let count = 0;

/** A cgroup of the test's own for a container to be made in; in every hierarchy, it is gone at the end of the scope. */
class Parent implements Disposable {
  readonly name = `limits-${process.pid}-${count++}`;

  constructor() {
    for (const controller of [cpu, memory]) mkdirSync(join(controller, this.name));
  }

  write(controller: string, file: string, value: string): void {
    writeFileSync(join(controller, this.name, file), value);
  }

  read(controller: string, file: string): string {
    return readFileSync(join(controller, this.name, file), "utf8").trim();
  }

  [Symbol.dispose](): void {
    for (const directory of globSync(`/sys/fs/cgroup/*/${this.name}`)) rmdirSync(directory);
  }
}

function withoutVersionOne(): string | false {
  const files = [`${cpu}/cpu.cfs_quota_us`, `${memory}/memory.memsw.limit_in_bytes`];
  return files.every((file) => existsSync(file))
    ? false
    : "needs cgroup version 1 with cpu, memory and swap accounting";
}

function withoutRealTime(): string | false {
  return existsSync(`${cpu}/cpu.rt_runtime_us`) ? false : "needs a kernel with real-time groups";
}

function withoutBurst(program: string): string | false {
  if (program.endsWith("/runc")) return "Debian's runc has no --cpu-burst";
  return existsSync(`${cpu}/cpu.cfs_burst_us`) ? false : "needs a kernel with cpu.cfs_burst_us";
}
