import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { distBin, missing, start, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { updateContainer } from "../src/run/limits/update.ts";
import { Box, cannotRun } from "./box.ts";
import { criuReason } from "./criu.ts";
import { Runtime } from "./oracle/runtime.ts";
import { addNotify, letGo, waitForGo } from "./oracle/service-manager.ts";

const running = existsSync("/run/systemd/system");
const skip = cannotRun() ?? (running ? false : "needs systemd as process 1: tools/vm --systemd has it");

/** RUNTIME=PATH runs what is done by the command line with another runtime. */
const program = process.env["RUNTIME"] ?? join(distBin, "oci-runtime");

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

test("restore makes a scope under the new name, with its limits; a failed restore leaves none", {
  skip: skip || missing("tool:criu") || criuReason(),
}, async (t) => {
  await using runtime = new Runtime(program);
  const counter = "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.05; done";
  const count = () => Number(readFileSync(join(runtime.bundle, "rootfs/tmp/count"), "utf8"));
  const quiet = async (command: string) => {
    const { stdout } = await runtime.sh(`r --systemd-cgroup ${command} >out 2>&1 </dev/null || cat out`);
    return stdout;
  };
  runtime.configure(counter, (config) => {
    config.linux.resources = { pids: { limit: 33 }, memory: { limit: 64 << 20 } };
  });
  const [first, second, third] = [runtime.newId(), runtime.newId(), runtime.newId()];
  const unitOf = (id: string) => `oci-runtime-${id}.scope`;
  t.equal(await quiet(`run -d ${first}`), "");
  await waitFor(() => count() > 2);
  const images = join(runtime.directory, "images");
  t.equal(await quiet(`checkpoint --image-path ${images} ${first}`), "");
  t.equal(property(unitOf(first), "LoadState"), "not-found");
  const stopped = count();
  t.equal(await quiet(`restore -d --image-path ${images} ${second}`), "");
  await waitFor(() => count() > stopped, { what: "the restored one to go on", timeoutMs: 20_000 });
  const { pid } = await runtime.state(second);
  const path = `/system.slice/${unitOf(second)}`;
  t.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), `0::${path}\n`);
  const limits = () => ["pids.max", "memory.max"].map((file) => readFileSync(`/sys/fs/cgroup${path}/${file}`, "utf8"));
  t.same(limits(), ["33\n", `${64 << 20}\n`]);
  t.same(
    ["ActiveState", "TasksMax", "MemoryMax", "Delegate", "DevicePolicy"].map((name) => property(unitOf(second), name)),
    ["active", "33", String(64 << 20), "yes", "strict"],
  );
  execFileSync("systemctl", ["daemon-reload"]);
  t.same(limits(), ["33\n", `${64 << 20}\n`], "a reload undoes nothing");
  t.equal((await runtime.cli("delete", "--force", second)).code, 0);
  t.equal(property(unitOf(second), "LoadState"), "not-found");
  rmSync(join(images, "inventory.img"));
  t.match(await quiet(`restore -d --image-path ${images} ${third}`), /criu failed/);
  t.equal(property(unitOf(third), "LoadState"), "not-found");
  t.notOk(existsSync(join(runtime.root, third)));
});

test("a service that is a container is up when that says so, with its process where the runtime is gone", {
  skip: skip || missing("tool:musl-gcc"),
}, async (t) => {
  await using runtime = new Runtime(program);
  addNotify(runtime);
  runtime.configure(`${waitForGo}; rm /tmp/go; notify READY=1; sleep 1000`);
  for (const command of [["run"], ["run", "--detach"]]) {
    const id = runtime.newId();
    const unit = `gantry-${id}.service`;
    // The default dependencies would clean up /tmp first, in a guest that is still booting.
    const settings = ["--quiet", "--collect", `--unit=${unit}`, "-p", "Type=notify", "-p", "DefaultDependencies=no"];
    const service = [program, "--root", runtime.root, ...command, "--bundle", runtime.bundle, id];
    await using begun = start("systemd-run", [...settings, ...service]);
    await waitFor(async () => (await runtime.status(id)) === "running", { timeoutMs: 60_000 });
    t.equal(property(unit, "ActiveState"), "activating", command.join(" "));
    letGo(runtime);
    t.match(await begun.ended, { code: 0 });
    t.equal(property(unit, "ActiveState"), "active");
    const { pid } = await runtime.state(id);
    const main = property(unit, "MainPID");
    if (command.length > 1) t.equal(main, String(pid));
    else t.match(readFileSync(`/proc/${main}/cmdline`, "latin1").split("\0"), service.slice(0, 3));
    t.equal((await runtime.cli("delete", "--force", id)).code, 0);
    await waitFor(() => property(unit, "LoadState") === "not-found", { what: `the end of ${unit}`, timeoutMs: 60_000 });
  }
});
