import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { runtimeProgram } from "./support/runtime.ts";
import { attachTo, cgroupsOf, finish, parentOf, startShim } from "./support/shim.ts";

test("output, exit code, record on disk; delete and shutdown leave nothing", async (t) => {
  await using shim = await startShim();
  const { client } = shim;
  const pid = await shim.create({ args: ["sh", "-c", "echo out; echo err >&2; exit 7"] });
  t.equal(parentOf(parentOf(pid)), shim.pid, "child of the shim's keeper");
  const task = JSON.parse(readFileSync(join(shim.directory, "task.json"), "utf8"));
  t.match(task, { id: shim.id, namespace: "test", pid, shimPid: shim.pid, runtime: shim.runtime });
  t.match(await client.call("state", {}), { id: shim.id, pid, status: "created" });
  const attached = attachTo(client);
  const waited = client.call("wait", {});
  t.same(await client.call("start", {}), { pid });
  t.same(await attached.result, { exitStatus: 7 });
  t.equal(attached.stdout().toString(), "out\n");
  t.equal(attached.stderr().toString(), "err\n");
  const exit = await waited;
  t.equal(exit.exitStatus, 7);
  t.match(exit.exitedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  t.ok(Math.abs(Date.parse(exit.exitedAt) - Date.now()) < 10_000, "on the wall clock");
  t.same(await client.call("wait", {}), exit, "a later wait misses nothing");
  t.match(JSON.parse(readFileSync(join(shim.directory, "exit.json"), "utf8")), { id: shim.id, pid, ...exit });
  t.match(await client.call("state", {}), { status: "stopped", ...exit });
  await t.rejects(client.call("shutdown", {}), { code: "FailedPrecondition" });
  t.same(await client.call("delete", {}), { pid, ...exit });
  t.same(await client.call("delete", {}), { pid, ...exit }, "again");
  t.notOk(existsSync(join(shim.runtime.root, shim.id)), "runtime has forgotten it");
  t.same(cgroupsOf(shim.id), []);
  await client.call("shutdown", {});
  await waitFor(() => shim.child.exitCode === 0);
  t.notOk(existsSync(shim.directory), "directory is gone");
});

test("events come in order, from any number on", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["true"] });
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  await shim.client.call("delete", {});
  const topics: string[] = [];
  for await (const { value } of shim.client.open("events", { from: 0 }).items) {
    topics.push(`${value.sequence} ${value.topic}`);
    if (value.topic === "delete") break;
  }
  t.same(topics, ["1 create", "2 start", "3 exit", "4 delete"]);
  for await (const { value } of shim.client.open("events", { from: 3 }).items) {
    t.match(value, { sequence: 3, topic: "exit", exitStatus: 0, id: shim.id });
    break;
  }
  await shim.client.call("shutdown", {});
});

test("a signal ends it: 128+n; the runtime signals a container that has not started", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sleep", "1000"] });
  await shim.client.call("start", {});
  await t.rejects(shim.client.call("delete", {}), { code: "FailedPrecondition" });
  await t.rejects(shim.client.call("kill", { signal: 99 }), { code: "InvalidArgument" });
  await shim.client.call("kill", { signal: 9 });
  t.equal((await shim.client.call("wait", {})).exitStatus, 137);
  await t.rejects(shim.client.call("kill", { signal: 9 }), { code: "NotFound" });
  await finish(shim);
});

test("a created container can be deleted unstarted", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sleep", "1000"] });
  t.equal((await shim.client.call("delete", {})).exitStatus, 137);
  t.same(cgroupsOf(shim.id), []);
  await shim.client.call("shutdown", {});
});

test("a missing command: the runtime's message, and the shim takes another container", async (t) => {
  await using shim = await startShim();
  await t.rejects(shim.create({ args: ["no-such-command"] }), {
    message: /no-such-command.*executable file not found/,
  });
  t.notOk(existsSync(join(shim.directory, "task.json")));
  t.notOk((await shim.client.call("connect", {})).id);
  t.same(cgroupsOf(shim.id), []);
});

test("pause, pids, stats, update, resume through the runtime", async (t) => {
  await using shim = await startShim();
  const { client } = shim;
  const pid = await shim.create({ args: ["sleep", "1000"] });
  await client.call("start", {});
  t.same(await client.call("pids", {}), { processes: [{ pid }] });
  await client.call("pause", {});
  t.equal((await client.call("state", {})).status, "paused");
  await client.call("pause", {});
  await client.call("resume", {});
  t.equal((await client.call("state", {})).status, "running");
  t.type(await client.call("stats", {}), "object");
  await client.call("update", { resources: { pids: { limit: 77 } } });
  t.equal(readFileSync(`/sys/fs/cgroup/pids/gantry-shim-test/${shim.id}/pids.max`, "latin1"), "77\n");
  await client.call("pause", {});
  await client.call("kill", { signal: 9 });
  t.equal((await client.call("wait", {})).exitStatus, 137, "a frozen one too");
  await finish(shim);
});

for (const runtime of ["runc", "our own by its command line"]) {
  test(`why a program cannot be run is a reason, not a text: ${runtime}`, async (t) => {
    await using files = tempDir("reason");
    await using shim = await startShim(runtime === "runc" ? {} : { runtimePath: runtimeProgram(files.path) });
    await t.rejects(shim.create({ args: ["no-such"] }), {
      code: "InvalidArgument",
      data: { reason: "ExecutableNotFound" },
    });
    await t.rejects(shim.create({ args: ["/proc"] }), {
      code: "InvalidArgument",
      data: { reason: "ExecutableNotPermitted" },
    });
    t.same(cgroupsOf(shim.id), []);
  });
}

test("every process is signalled; a deleted container no longer keeps its shim from SIGTERM", async (t) => {
  await using shim = await startShim();
  const pid = await shim.create({ args: ["sh", "-c", "sleep 1000 & sleep 1000"] });
  await shim.client.call("start", {});
  await waitFor(async () => (await shim.client.call("pids", {})).processes.length > 1);
  await shim.client.call("kill", { signal: 9, all: true });
  t.same(await shim.client.call("wait", {}).then((exit) => exit.exitStatus), 137);
  t.notOk(existsSync(`/proc/${pid}`));
  await shim.client.call("delete", {});
  process.kill(shim.pid, "SIGTERM");
  await waitFor(() => shim.child.exitCode === 0);
  t.notOk(existsSync(shim.directory));
});
