import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { joinRdt, leaveRdt } from "../src/run/limits/intel-rdt.ts";
import { Box, cannotRun } from "./box.ts";

/** Where and when processes run, and where their memory is. */

const skip = cannotRun() ?? false;

test("memory policies reach the kernel, for exec too", { skip }, async (t) => {
  await using box = new Box();
  const source = new URL("memory-policy-probe.c", import.meta.url).pathname;
  execFileSync("musl-gcc", ["-static", "-Os", "-o", join(box.rootfs, "bin/probe"), source]);
  for (const [memoryPolicy, said] of [
    [{ mode: "MPOL_BIND", nodes: "0" }, "0x2 0x1"],
    [{ mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }, "0x8003 0x1"],
    [{ mode: "MPOL_PREFERRED" }, "0x4 0"],
    [{ mode: "MPOL_PREFERRED_MANY", nodes: "0" }, "0x5 0x1"],
    [{ mode: "MPOL_LOCAL" }, "0x4 0"],
    [{ mode: "MPOL_DEFAULT" }, "0 0"],
  ] as const) {
    box.configure("probe", (spec) => {
      spec.linux.memoryPolicy = memoryPolicy as never;
    });
    t.equal((await box.run()).stdout, `${said}\n`, JSON.stringify(memoryPolicy));
  }
  box.configure("sleep 60", (spec) => {
    spec.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "0" };
  });
  await using container = await box.start();
  t.equal((await box.exec(container.id, "probe")).stdout, "0x2 0x1\n");
  box.configure("true", (spec) => {
    spec.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "900" };
  });
  await t.rejects(box.run(), { message: /setting the memory policy .*EINVAL.*\(linux\.memoryPolicy\)/ });
});

const alone = availableParallelism() < 2 ? "needs two processors" : false;

test("exec runs on the configured processors", { skip: skip || alone }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60", (spec) => {
    spec.process.execCPUAffinity = { final: "1" };
  });
  await using container = await box.start();
  const allowed = "grep Cpus_allowed_list /proc/self/status | cut -f2";
  const of = async (execCPUAffinity: object) =>
    (await box.exec(container.id, allowed, { execCPUAffinity })).stdout.trim();
  const init = readFileSync(`/proc/${container.pid}/status`, "utf8");
  t.notMatch(init, /^Cpus_allowed_list:\t1$/m, "it is not for the first process");
  t.equal(await of({ final: "1" }), "1");
  t.equal(await of({ initial: "1", final: "0" }), "0");
  await t.rejects(of({ final: "8000" }), /running on the processors 8000: EINVAL.*process\.execCPUAffinity\.final/);
});

test("scheduler, I/O priority and personality", { skip }, async (t) => {
  await using box = new Box();
  const script = "cut -d' ' -f19,40,41 /proc/self/stat; ionice; uname -m; cat /proc/self/personality";
  box.configure(script, (spec) => {
    spec.process.scheduler = { policy: "SCHED_BATCH", nice: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"] };
    spec.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 3 };
    spec.linux.personality = { domain: "LINUX32" };
    spec.process.args = ["sh", "-c", `exec 2>&1; cut -d' ' -f19,41 /proc/$$/stat; ionice; uname -m`];
  });
  const { stdout } = await box.run();
  t.match(stdout, /^7 3\n/, "nice 7, SCHED_BATCH");
  t.match(stdout, /best-effort: prio 3/);
  t.match(stdout, process.arch === "x64" ? /\ni686\n/ : /\n/, "a 32 bit world");
});

test("resctrl: a new class, an existing class, monitoring, and errors", async (t) => {
  const mountpoint = mkdtempSync(join(tmpdir(), "resctrl-"));
  t.teardown(() => rmSync(mountpoint, { recursive: true, force: true }));
  // Files stand in for the kernel's, which is the only one to make them: there is no such processor here.
  const group = (name: string, schemata: string) => {
    mkdirSync(join(mountpoint, name, "mon_groups"), { recursive: true });
    writeFileSync(join(mountpoint, name, "schemata"), schemata);
  };
  const read = (path: string) => readFileSync(join(mountpoint, path), "utf8");
  const who = { id: "box", pid: 42 };
  const own = joinRdt(mountpoint, { l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20", schemata: ["L2:0=f"] }, who);
  t.same(own.owned, [join(mountpoint, "box")]);
  t.equal(read("box/schemata"), "L3:0=f\nMB:0=20\nL2:0=f\n", "in the order of the specification");
  t.equal(read("box/tasks"), "42\n");
  group("gold", "    L3:0=0f;1=ff\n    MB:0=100\n");
  const shared = joinRdt(mountpoint, { closID: "gold", l3CacheSchema: "L3:1=ff;0=f" }, who);
  t.same(shared.owned, [], "another's class stays");
  const watched = joinRdt(mountpoint, { closID: "gold", enableMonitoring: true }, who);
  t.same(watched.owned, [join(mountpoint, "gold/mon_groups/box")]);
  const wrong = (rdt: object, message: RegExp) => t.throws(() => joinRdt(mountpoint, rdt, who), { message });
  wrong({ closID: "silver" }, /linux\.intelRdt\.closID: there is no class silver/);
  wrong(
    { closID: "gold", schemata: ["L3:0=1"] },
    /closID: the class gold is there with other schemata: it lacks L3:0=1/,
  );
  wrong({ closID: "gold", enableMonitoring: true }, /enableMonitoring: making .*mon_groups\/box: EEXIST/);
  rmSync(join(mountpoint, "gold/mon_groups/box/tasks"));
  leaveRdt(watched.owned);
  leaveRdt(watched.owned);
});

test("without resctrl a class is refused", { skip }, async (t) => {
  await using box = new Box();
  box.configure("true", (spec) => {
    spec.linux.intelRdt = { closID: "gold" };
  });
  const refused = { message: /linux\.intelRdt needs a mounted resctrl file system/ };
  if (box.host.facts.resctrl) t.comment("this host has resctrl");
  else await t.rejects(box.run(), refused);
});

const oneProcessor = availableParallelism() < 2 && "there is one processor, and a container may use it";

test("SCHED_DEADLINE with processors of its own is explained", { skip: skip || oneProcessor }, async (t) => {
  await using box = new Box();
  box.configure("true", (spec) => {
    spec.process.scheduler = { policy: "SCHED_DEADLINE", runtime: 1_000_000, deadline: 10_000_000, period: 10_000_000 };
    spec.linux.resources = { cpu: { cpus: "0" } };
  });
  await t.rejects(box.run(), {
    code: "EPERM",
    message: /SCHED_DEADLINE is for processes that may run on all processors/,
  });
});

test("settings of a user namespace are set in it", { skip }, async (t) => {
  await using box = new Box();
  chmodSync(box.directory, 0o711);
  const configure = (own: boolean) =>
    box.configure("cat /proc/sys/user/max_mnt_namespaces", (spec) => {
      spec.root = { path: "rootfs" };
      spec.linux.sysctl = { "user.max_mnt_namespaces": "7" };
      if (!own) return;
      const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      spec.linux.namespaces?.push({ type: "user" });
      Object.assign(spec.linux, { uidMappings: map, gidMappings: map });
    });
  configure(true);
  t.match(await box.run(), { status: 0, stdout: "7\n" });
  configure(false);
  await t.rejects(box.run(), { message: /user\.max_mnt_namespaces"\] needs \{"type": "user"\}/ });
});
