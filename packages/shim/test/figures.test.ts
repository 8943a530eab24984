import { readFileSync } from "node:fs";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { parseCgroup } from "../src/cgroup/cgroup.ts";
import { ociProcess } from "./support/bundle.ts";
import { finish, startShim, topicsOf } from "./support/shim.ts";

test("the cgroup of a process, on machines of version 1, of version 2 and of both", async (t) => {
  const v1 = parseCgroup("5:memory:/a:b\n4:cpu,cpuacct:/a\n0::/a\n");
  t.equal(v1.version, 1);
  t.equal(v1.directory("memory"), "/sys/fs/cgroup/memory/a:b");
  t.equal(v1.directory("cpuacct"), "/sys/fs/cgroup/cpuacct/a");
  t.equal(v1.directory("blkio"), undefined);
  const v2 = parseCgroup("0::/a/b\n");
  t.equal(v2.version, 2);
  t.equal(v2.directory("memory"), "/sys/fs/cgroup/a/b");
});

test("metrics: containerd's fields, with the kernel's figures", async (t) => {
  await using shim = await startShim();
  const { client, id } = shim;
  await shim.create({ args: ["sleep", "1000"], memory: 64 << 20 });
  await client.call("start", {});
  // The runtime's own threads go as the command takes their place.
  const current = `/sys/fs/cgroup/pids/gantry-shim-test/${id}/pids.current`;
  await waitFor(() => readFileSync(current, "latin1") === "1\n");
  const memory = (file: string) =>
    Number(readFileSync(`/sys/fs/cgroup/memory/gantry-shim-test/${id}/${file}`, "latin1"));
  // It still grows while the program begins.
  const used = await waitFor(async () => {
    const { data } = await client.call("metrics", {});
    const { usage } = (data["memory"] as { usage: { usage: number } }).usage;
    return usage === memory("memory.usage_in_bytes") && usage;
  });
  const { cgroupVersion, data, timestamp } = await client.call("metrics", {});
  t.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
  t.equal(cgroupVersion, 1);
  t.ok(used > 0);
  t.match(data, {
    pids: { current: 1, limit: 0 },
    cpu: { usage: { total: Number, kernel: Number, user: Number, per_cpu: Array }, throttling: { periods: 0 } },
    memory: {
      cache: Number,
      hierarchical_memory_limit: 64 << 20,
      total_inactive_file: Number,
      usage: { limit: 64 << 20, usage: Number, failcnt: 0 },
    },
    memory_oom_control: { oom_kill_disable: 0, under_oom: 0, oom_kill: 0 },
    blkio: { io_service_bytes_recursive: Array, io_serviced_recursive: Array },
  });
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await t.rejects(client.call("metrics", {}), { code: "FailedPrecondition" });
  await finish(shim);
});

test("processes come with the id of the exec that they are the first one of", async (t) => {
  await using shim = await startShim();
  const { client } = shim;
  const pid = await shim.create({ args: ["sleep", "1000"] });
  await client.call("start", {});
  const stdio = { terminal: false, stdin: false };
  await client.call("exec", { execId: "inner", process: ociProcess(["sh", "-c", "sleep 99 & wait"]), stdio });
  const inner = await client.call("start", { execId: "inner" });
  const processes = () => client.call("pids", {}).then((reply) => reply.processes);
  await waitFor(async () => (await processes()).length === 3);
  const [first, ...rest] = await processes();
  t.same(first, { pid });
  t.same(
    rest.filter(({ execId }) => execId !== undefined),
    [{ pid: inner.pid, execId: "inner" }],
  );
  await client.call("kill", { signal: 9, all: true });
  await client.call("wait", {});
  await finish(shim);
});

test("lack of memory is reported while the container runs on, each time", async (t) => {
  await using shim = await startShim();
  const { client } = shim;
  const greedy = "head -c 200m /dev/zero | tail >/dev/null";
  await shim.create({ args: ["sh", "-c", `${greedy}; ${greedy}; exec sleep 1000`], memory: 16 << 20 });
  const topics = topicsOf(client);
  await client.call("start", {});
  await waitFor(() => topics.filter((topic) => topic === "oom").length === 2, {
    timeoutMs: 20_000,
    what: "two events",
  });
  t.equal((await client.call("state", {})).status, "running");
  t.match((await client.call("metrics", {})).data, { memory_oom_control: { oom_kill: 2 } });
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await waitFor(() => topics.includes("exit"));
  t.same(topics, ["create", "start", "oom", "oom", "exit"]);
  await finish(shim);
});
