import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { updateContainer } from "../src/run/update.ts";
import { Box, cannotRun } from "./box.ts";

const running = existsSync("/run/systemd/system");
const skip = cannotRun() ?? (running ? false : "needs systemd as process 1: tools/vm --systemd has it");

function property(unit: string, name: string): string {
  return execFileSync("systemctl", ["show", "--value", "-p", name, unit], { encoding: "utf8" }).trim();
}

test("a container is a scope in its slice, with its limits as systemd's", { skip }, async (t) => {
  await using box = new Box({ systemdCgroup: true });
  const id = box.newId();
  const unit = `cri-${id}.scope`;
  box.configure("cat /proc/self/cgroup > /tmp/cgroup; head -c 1 /dev/zero | wc -c > /tmp/zero; sleep 1000", (spec) => {
    spec.root = { path: "rootfs" };
    spec.linux.cgroupsPath = `gantry-test.slice:cri:${id}`;
    spec.linux.namespaces = (spec.linux.namespaces ?? []).filter(({ type }) => type !== "cgroup");
    spec.linux.resources = {
      memory: { limit: 64 << 20 },
      cpu: { shares: 512, quota: 25_000, period: 100_000, cpus: "0" },
      pids: { limit: 20 },
    };
    spec.annotations = { "org.systemd.property.TimeoutStopSec": "uint64 7" };
  });
  {
    await using container = await box.start();
    const path = `/gantry.slice/gantry-test.slice/${unit}`;
    const read = (file: string) => readFileSync(join("/sys/fs/cgroup", path, file), "utf8").trim();
    t.match(readFileSync(`/proc/${container.pid}/cgroup`, "utf8"), `0::${path}\n`);
    t.equal(property(unit, "ActiveState"), "active");
    t.same(
      ["Slice", "MemoryMax", "TasksMax", "CPUWeight", "CPUQuotaPerSecUSec", "Delegate", "DevicePolicy"].map((name) =>
        property(unit, name),
      ),
      ["gantry-test.slice", String(64 << 20), "20", "20", "250ms", "yes", "strict"],
    );
    t.equal(property(unit, "TimeoutStopUSec"), "7s");
    t.same(
      [read("memory.max"), read("cpu.max"), read("pids.max"), read("cpuset.cpus")],
      [String(64 << 20), "25000 100000", "20", "0"],
    );
    await updateContainer(box.host, box.store, { id: container.id, resources: { memory: { limit: 32 << 20 } } });
    t.same([property(unit, "MemoryMax"), read("memory.max")], [String(32 << 20), String(32 << 20)]);
    execFileSync("systemctl", ["daemon-reload"]);
    t.same([read("memory.max"), read("cpu.max")], [String(32 << 20), "25000 100000"], "a reload undoes nothing");
    const inside = await box.exec(
      container.id,
      "cat /proc/self/cgroup; head -c 1 /dev/zero | wc -c; mknod /tmp/p c 1 4; cat /tmp/p",
    );
    t.equal(inside.stdout, `0::${path}\n1\n`);
    t.match(inside.stderr, /Operation not permitted/);
  }
  t.equal(property(unit, "LoadState"), "not-found", "nothing is left of the unit");
  t.notOk(existsSync(`/sys/fs/cgroup/gantry.slice/gantry-test.slice/${unit}`));
});

test("creation that fails leaves no unit, and a wrong path is refused before", { skip }, async (t) => {
  await using box = new Box({ systemdCgroup: true });
  box.configure("true", (spec) => {
    spec.process.args = ["/nope"];
    spec.linux.cgroupsPath = "gantry-test.slice:cri:fails";
  });
  await t.rejects(box.run(), { message: /no such file/ });
  t.equal(property("cri-fails.scope", "LoadState"), "not-found");
  box.configure("true", (spec) => {
    spec.linux.cgroupsPath = "/plain/path";
  });
  await t.rejects(box.run(), { message: /^linux\.cgroupsPath must be slice:prefix:name/ });
});
