import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { ociProcess } from "./support/bundle.ts";
import { runtimeProgram } from "./support/runtime.ts";
import { attachTo, cgroupsOf, finish, parentOf, startShim } from "./support/shim.ts";

const plain = { terminal: false, stdin: false };

/** The shim's workers, also before one has become its program. */
function workers(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
    .trim()
    .split(" ")
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, "latin1").split("\0").includes("--address"));
}

test("a runtime in worker mode: created by the standby worker, the same results", async (t) => {
  await using files = tempDir("worker");
  await using shim = await startShim({ runtimePath: runtimeProgram(files.path), worker: true });
  const { client } = shim;
  const [standby] = await waitFor(() => workers(shim.pid));
  const pid = await shim.create({ args: ["sh", "-c", "cat; echo err >&2; exit 5"] }, { stdin: true, stdinOnce: true });
  t.same(workers(shim.pid), [standby], "no process was started for it");
  t.equal(parentOf(parentOf(pid)), shim.pid, "child of the shim's keeper");
  const attached = attachTo(client, { stdin: true });
  await client.call("start", {});
  await attached.send("in\n");
  attached.end();
  t.same(await attached.result, { exitStatus: 5 });
  t.equal(attached.stdout().toString(), "in\n");
  t.equal(attached.stderr().toString(), "err\n");
  t.match(await client.call("delete", {}), { pid, exitStatus: 5 });
  t.same(cgroupsOf(shim.id), []);
  t.notOk(existsSync(join(shim.runtime.root, shim.id)));
  await client.call("shutdown", {});
  await waitFor(() => shim.child.exitCode === 0);
  t.notOk(existsSync(shim.directory));
  await waitFor(() => !existsSync(`/proc/${standby}`));
});

test("worker: exec, terminal, early ends, signals; a worker that was killed is started again", async (t) => {
  await using files = tempDir("worker");
  await using shim = await startShim({ runtimePath: runtimeProgram(files.path), worker: true });
  const { client } = shim;
  const pid = await shim.create({ args: ["sleep", "1000"] });
  await client.call("start", {});
  const many = Array.from({ length: 4 }, (_, index) => index);
  await Promise.all(
    many.map(async (index) => {
      const execId = `quick${index}`;
      await client.call("exec", { execId, process: ociProcess(["sh", "-c", `exit ${index}`]), stdio: plain });
      await client.call("start", { execId });
      t.equal((await client.call("wait", { execId })).exitStatus, index);
    }),
  );
  const [worker] = workers(shim.pid);
  if (worker === undefined) throw new Error("the shim has no worker");
  process.kill(worker, "SIGKILL");
  await waitFor(() => !existsSync(`/proc/${worker}`));
  const stdio = { terminal: true, stdin: true, consoleSize: { width: 91, height: 27 } };
  const script = "read go; stty size; exit 9";
  await client.call("exec", { execId: "tty", process: ociProcess(["sh", "-c", script], true), stdio });
  const attached = attachTo(client, { execId: "tty", stdin: true });
  await client.call("start", { execId: "tty" });
  await attached.send("go\n");
  t.same(await attached.result, { exitStatus: 9 });
  t.match(attached.stdout().toString(), /27 91\r\n/);
  await waitFor(() => workers(shim.pid).length === 1, { what: "a new worker, for the next exec" });
  await client.call("exec", { execId: "none", process: ociProcess(["no-such"]), stdio: plain });
  await t.rejects(client.call("start", { execId: "none" }), {
    message: /no-such/,
    data: { reason: "ExecutableNotFound" },
  });
  await waitFor(async () => (await client.call("pids", {})).processes.length === 1);
  const keeper = parentOf(pid);
  const left = () => readFileSync(`/proc/${keeper}/task/${keeper}/children`, "latin1").trim().split(" ");
  await waitFor(() => left().join() === String(pid), { what: "nothing but the container: what failed is reaped" });
  await client.call("pause", {});
  await client.call("kill", { signal: 9 });
  t.equal((await client.call("wait", {})).exitStatus, 137);
  await finish(shim);
});

test("worker: a missing command: the runtime's message; nothing is left", async (t) => {
  await using files = tempDir("worker");
  await using shim = await startShim({ runtimePath: runtimeProgram(files.path), worker: true });
  await t.rejects(
    shim.create({ args: ["no-such-command"] }).then(() => shim.client.call("start", {})),
    { message: /no-such-command/ },
  );
  if ((await shim.client.call("connect", {})).id) await shim.client.call("delete", {});
  t.same(cgroupsOf(shim.id), []);
  t.same(
    readdirSync(shim.directory).filter((name) => name.startsWith("runtime-")),
    [],
  );
});
