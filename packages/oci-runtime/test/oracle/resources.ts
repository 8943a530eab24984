import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, cgroupFile, Runtime, unlikeRunc } from "./runtime.ts";

/** Limits, their change, pausing, figures and events. */
export function resources(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("limits reach the kernel; update changes the named ones only", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", (config) => {
      config.linux.resources = {
        memory: { limit: 64 << 20 },
        pids: { limit: 50 },
        cpu: { quota: 20_000, period: 100_000 },
      };
    });
    const id = await runtime.runDetached();
    const { pid } = await runtime.state(id);
    const limits = () => [
      cgroupFile(pid, "memory", "memory.limit_in_bytes", "memory.max"),
      cgroupFile(pid, "pids", "pids.max", "pids.max"),
      cgroupFile(pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split(" ")[0],
    ];
    t.same(limits(), [String(64 << 20), "50", "20000"]);
    t.equal((await runtime.cli("update", "--pids-limit", "60", id)).code, 0);
    t.same(limits(), [String(64 << 20), "60", "20000"]);
    t.equal((await runtime.cli("update", "--memory", "32m", "--cpu-quota", "30000", id)).code, 0);
    t.same(limits(), [String(32 << 20), "60", "30000"]);
    const file = join(runtime.directory, "resources.json");
    writeFileSync(file, JSON.stringify({ pids: { limit: 70 } }));
    t.equal((await runtime.cli("update", "--resources", file, id)).code, 0);
    t.equal((await runtime.sh(`echo '{"memory":{"limit":50331648}}' | r update -r - ${id}`)).code, 0);
    t.same(limits(), [String(48 << 20), "70", "30000"]);
    t.match(await runtime.cli("update", "--memory", "much", id), { code: 1, stderr: /memory|much/ });
    t.match(await runtime.cli("update", "--cpuset-cpus", "4000", id), { code: 1, stderr: /4000|cpuset/ });
    t.same(limits(), [String(48 << 20), "70", "30000"]);
  });

  test("pause stops every process where it is, resume lets it go on", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.01; done");
    const id = await runtime.runDetached();
    const count = async () => Number((await runtime.sh("cat rootfs/tmp/count")).stdout);
    await waitFor(async () => (await count()) > 1);
    t.equal((await runtime.cli("pause", id)).code, 0);
    t.equal(await runtime.status(id), "paused");
    const { pid } = await runtime.state(id);
    const frozen = cgroupFile(pid, "freezer", "freezer.state", "cgroup.freeze");
    t.match(frozen, /^(FROZEN|1)$/);
    t.match(await runtime.cli("exec", id, "true"), { stderr: /paused/ });
    t.not((await runtime.cli("delete", id)).code, 0);
    const before = await count();
    t.equal((await runtime.cli("resume", id)).code, 0);
    t.equal(await runtime.status(id), "running");
    await waitFor(async () => (await count()) > before + 1);
    t.match(await runtime.cli("resume", id), { code: 1, stderr: /not paused|is not/ });
  });

  test("events: figures once, and again and again until the end", {
    skip: skip || withoutEvents(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    const { type, id: named, data } = JSON.parse((await runtime.cli("events", "--stats", id)).stdout);
    t.match({ type, id: named }, { type: "stats", id });
    t.ok(data.cpu.usage.total > 0);
    t.ok(data.memory.usage.usage > 0 && data.memory.usage.limit > 0);
    t.ok(data.pids.current > 0);
    t.type(data.memory.raw, "object");
    await using following = runtime.start(["events", "--interval", "50ms", id], { stdio: ["ignore", "pipe", "pipe"] });
    await waitFor(() => following.stdout().split("\n").length > 3, { timeoutMs: 20_000 });
    await runtime.cli("delete", "--force", id);
    t.match(await following.ended, { code: 0 });
    for (const line of following.stdout().trim().split("\n")) t.match(JSON.parse(line), { type: "stats", id });
  });

  test("events: the kernel ends a process for lack of memory", { skip: skip || withoutEvents(program) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("while :; do sh -c 'x=x; while :; do x=$x$x; done'; sleep 0.1; done", (config) => {
      config.linux.resources = { memory: { limit: 16 << 20, swap: 16 << 20 } };
    });
    const id = await runtime.runDetached();
    await using following = runtime.start(["events", "--interval", "1h", id], { stdio: ["ignore", "pipe", "pipe"] });
    await waitFor(() => following.stdout().includes('"oom"'), { timeoutMs: 20_000, what: "an oom event" });
    t.match(JSON.parse(following.stdout().split("\n")[0] ?? ""), { type: "oom", id });
  });
}

/** It has none: crun leaves events out. */
function withoutEvents(program: string): string | false {
  return program.endsWith("/crun") ? "crun has no events command" : false;
}
