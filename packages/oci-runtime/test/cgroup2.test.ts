import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Resources } from "@gantry/oci-spec/runtime";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { applyDeviceRules } from "../src/cgroup/device-filter.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { containerStats } from "../src/run/inspect.ts";
import { killContainer } from "../src/run/kill.ts";
import { pauseContainer } from "../src/run/limits/pause.ts";
import { updateContainer } from "../src/run/limits/update.ts";
import { statusOf } from "../src/state/lifecycle.ts";
import { Box, cannotRun } from "./box.ts";

/** These tests run in an emulated guest, where everything takes several times as long. */
const patience = { timeoutMs: 60_000, intervalMs: 20 };

const pure = existsSync("/sys/fs/cgroup/cgroup.controllers");
const skip = cannotRun() ?? (pure ? false : "needs pure cgroup v2: tools/vm has it");

/** Files of a container's cgroup. */
function reader(id: string): (file: string) => string {
  return (file) => readFileSync(join("/sys/fs/cgroup", id, file), "utf8").trim();
}

test("every limit reaches its file, and update changes the named limits only", { skip }, async (t) => {
  await using box = new Box();
  const resources: Resources = {
    memory: { limit: 64 << 20, swap: 96 << 20, reservation: 32 << 20 },
    cpu: { shares: 512, quota: 20_000, period: 50_000, burst: 10_000, cpus: "0", mems: "0" },
    pids: { limit: 20 },
    hugepageLimits: [{ pageSize: "2MB", limit: 4 << 20 }],
    unified: { "memory.high": "60000000" },
  };
  box.configure("sleep 60", (spec) => {
    spec.linux.resources = resources;
  });
  await using container = await box.start();
  const read = reader(container.id);
  t.same(
    ["memory.max", "memory.swap.max", "memory.low", "memory.high", "hugetlb.2MB.max", "pids.max"].map(read),
    [64 << 20, 32 << 20, 32 << 20, 59_998_208, 4 << 20, 20].map(String),
  );
  t.same(["cpu.weight", "cpu.max", "cpu.max.burst", "cpuset.cpus", "cpuset.mems"].map(read), [
    "20",
    "20000 50000",
    "10000",
    "0",
    "0",
  ]);
  const update = (change: object) => updateContainer(box.host, box.store, { id: container.id, resources: change });
  await update({ cpu: { period: 100_000 }, pids: { limit: -1 }, memory: { swap: 128 << 20 } });
  t.same(["cpu.max", "pids.max", "memory.max", "memory.swap.max"].map(read), [
    "20000 100000",
    "max",
    String(64 << 20),
    String(64 << 20),
  ]);
  await update({ cpu: { quota: 5000, burst: 1000 } });
  t.same(["cpu.max", "cpu.max.burst"].map(read), ["5000 100000", "1000"], "a burst shrinks before its quota");
  await update({ cpu: { burst: 0, idle: 1 } });
  t.same(["cpu.max.burst", "cpu.idle"].map(read), ["0", "1"]);
  await t.rejects(update({ memory: { limit: 4096, checkBeforeUpdate: true } }), { message: /less than the \d+ that/ });
  t.equal(read("memory.max"), String(64 << 20), "a refused limit changes nothing");
});

test("devices: an eBPF program enforces the rules", { skip }, async (t) => {
  await using box = new Box();
  const script = [
    "rm -f /tmp/*; mknod /tmp/zero c 1 5 && head -c 3 /tmp/zero | wc -c",
    "mknod /tmp/kmsg c 1 11 && echo made; echo test > /tmp/kmsg && echo written",
  ];
  const run = (access: string) => {
    box.configure(script.join("; "), (spec) => {
      spec.root = { path: "rootfs" };
      spec.linux.resources = { devices: [{ allow: false }, { allow: true, type: "c", major: 1, minor: 11, access }] };
    });
    return box.run();
  };
  t.match(await run("w"), { stdout: "3\nmade\nwritten\n", stderr: "" });
  const refused = await run("r");
  t.equal(refused.stdout, "3\nmade\n", "any device may be made, the standard ones are open");
  t.match(refused.stderr, /\/tmp\/kmsg.*Operation not permitted/, "open for reading is not open for writing");
});

test("the kernel kills all processes at once, frozen ones too", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 1000 & sleep 1000 & sleep 1000");
  const container = await box.start();
  await pauseContainer(box.host, box.store, container.id);
  const record = box.store.load(container.id);
  t.equal(statusOf(box.store, record, box.host.facts), "paused");
  t.match(reader(container.id)("cgroup.events"), /frozen 1/);
  await killContainer(box.host, box.store, { id: container.id, signal: 9, all: true });
  t.equal(await container.ended, 137);
  await deleteContainer(box.host, box.store, { id: container.id, force: false });
  t.notOk(existsSync(`/sys/fs/cgroup/${container.id}`));
});

test("inside: its own cgroup is the root, read-only; cgroups of its own when it may write", { skip }, async (t) => {
  await using box = new Box();
  box.configure("cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x; ls /sys/fs/cgroup/cgroup.procs");
  const closed = await box.run();
  t.match(closed.stdout, /^0::\/\n\/sys\/fs\/cgroup\/cgroup\.procs\n/);
  t.match(closed.stderr, /Read-only file system/);
  const nest = [
    "cd /sys/fs/cgroup && mkdir init app && for p in $(cat cgroup.procs); do echo $p > init/cgroup.procs; done",
    "echo +pids > cgroup.subtree_control && echo 5 > app/pids.max && cat app/pids.max && touch /tmp/ready; sleep 60",
  ];
  box.configure(nest.join("; "), (spec) => {
    spec.root = { path: "rootfs" };
    for (const mount of spec.mounts)
      if (mount.type === "cgroup") mount.options = (mount.options ?? []).filter((option) => option !== "ro");
  });
  await using container = await box.start();
  await waitFor(() => existsSync(join(box.rootfs, "tmp/ready")), patience);
  t.equal(reader(container.id)("app/pids.max"), "5");
  const inside = await box.exec(container.id, "cat /proc/self/cgroup");
  t.same([inside.status, inside.stdout], [0, "0::/init\n"], "exec goes where the first process went");
});

test("a cgroup with processes of its own passes nothing on: the error says so", { skip }, async (t) => {
  await using box = new Box();
  const above = `/sys/fs/cgroup/${box.newId()}`;
  mkdirSync(above);
  const sleeper = execFileSync("sh", ["-c", "sleep 100 >/dev/null 2>&1 & echo $!"], { encoding: "utf8" }).trim();
  try {
    writeFileSync(join(above, "cgroup.procs"), sleeper);
    box.configure("true", (spec) => {
      spec.linux.cgroupsPath = `${above.slice("/sys/fs/cgroup".length)}/below`;
      spec.linux.resources = { memory: { limit: 64 << 20 } };
    });
    await t.rejects(box.run(), { message: /memory\.limit cannot be set: the cgroup .* processes of its own/ });
    t.notOk(existsSync(join(above, "below")));
  } finally {
    process.kill(Number(sleeper), "SIGKILL");
    // The kernel lets go of a cgroup a moment after its last process.
    await waitFor(() => rmdirSync(above) === undefined, patience);
  }
});

test("figures: processor, memory, processes, pressure; a lack of memory is counted", { skip }, async (t) => {
  await using box = new Box();
  box.configure("dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 60", (spec) => {
    spec.linux.resources = { memory: { limit: 24 << 20, swap: 24 << 20 } };
  });
  await using container = await box.start();
  const read = reader(container.id);
  await waitFor(() => /oom_kill [1-9]/.test(read("memory.events")), patience);
  t.match(await containerStats(box.host, box.store, container.id), {
    cpu: { usage: { total: Number }, psi: { some: { avg10: Number } } },
    memory: { usage: { limit: 24 << 20, usage: Number, max: Number }, raw: { anon: Number } },
    pids: { current: Number },
  });
});

test("device rules are replaced in one step, and only one program stays", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60");
  await using container = await box.start();
  const path = `/sys/fs/cgroup/${container.id}`;
  const canRead = async () => (await box.exec(container.id, "head -c 1 /dev/zero | wc -c")).stdout.trim();
  t.equal(await canRead(), "1");
  applyDeviceRules(box.host.native, path, [{ allow: false }, { allow: true, type: "c", major: 1, minor: 3 }]);
  t.equal(await canRead(), "0", "/dev/zero is refused now");
  applyDeviceRules(box.host.native, path, [{ allow: true, type: "a" }]);
  t.equal(await canRead(), "1");
});
