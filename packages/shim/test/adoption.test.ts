import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { ociProcess } from "./support/bundle.ts";
import { runtimeProgram } from "./support/runtime.ts";
import { attachTo, cgroupsOf, parentOf, readLog, startShim, type TestShim, topicsOf } from "./support/shim.ts";

const logTo = (shim: TestShim) => ({ log: { driver: "json-file" as const, path: join(shim.files, "log") } });
const linesOf = (shim: TestShim) => readLog(join(shim.files, "log"));
/** Writes bursts of numbered lines until SIGTERM. */
const counter = `
  trap 'echo end; exit 3' TERM
  i=0
  while true; do
    burst=0
    while [ $burst -lt 1000 ]; do echo line $i; i=$((i+1)); burst=$((burst+1)); done
    sleep 0.01
  done`;

for (const terminal of [false, true]) {
  const how = terminal ? "with a terminal" : "with pipes";
  test(`a container ${how} outlives its shim: no line is missing and none is doubled`, async (t) => {
    await using shim = await startShim();
    const pid = await shim.create({ args: ["sh", "-c", counter] }, { terminal, ...logTo(shim) });
    const keeper = parentOf(pid);
    await shim.client.call("start", {});
    let client = shim.client;
    for (let kills = 0; kills < 4; kills++) {
      const before = linesOf(shim).length;
      await waitFor(() => linesOf(shim).length > before, { timeoutMs: 20_000 });
      client = await shim.next();
    }
    await client.call("kill", { signal: 15 });
    t.equal((await client.call("wait", {}, { timeoutMs: 60_000 })).exitStatus, 3);
    const lines = linesOf(shim).map(({ log }) => log);
    const end = terminal ? "\r\n" : "\n";
    const wrong = lines.slice(0, -1).findIndex((line, index) => line !== `line ${index}${end}`);
    t.equal(wrong, -1, `line ${wrong} of ${lines.length} is ${lines[wrong]}`);
    t.equal(lines.at(-1), `end${end}`);
    t.match(await client.call("delete", {}), { pid, exitStatus: 3 });
    t.same(cgroupsOf(shim.id), []);
    await client.call("shutdown", {});
    await waitFor(() => shim.child.exitCode === 0 && !existsSync(`/proc/${keeper}`));
    t.notOk(existsSync(shim.directory));
  });
}

test("an exit without a shim is reported once by the next, with its time; events go on under their numbers", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sh", "-c", "read line; echo got $line; exit 9"] }, { stdin: true, ...logTo(shim) });
  await shim.client.call("start", {});
  const attached = attachTo(shim.client, { stdin: true });
  await shim.kill();
  await t.rejects(attached.result, { code: "Unavailable" });
  let client = await shim.next();
  const pid = (await client.call("state", {})).pid;
  const again = attachTo(client, { stdin: true });
  await again.send("a line\n");
  await waitFor(() => !existsSync(`/proc/${pid}`) || linesOf(shim).length === 1);
  const sinceExit = Date.now();
  client = await shim.next();
  const exit = await client.call("wait", {});
  t.equal(exit.exitStatus, 9);
  t.ok(Date.parse(exit.exitedAt) <= sinceExit + 1000, "the time of the exit, not of the report");
  t.same(
    linesOf(shim).map(({ log }) => log),
    ["got a line\n"],
  );
  const topics = topicsOf(client);
  await waitFor(() => topics.includes("exit"));
  t.same(topics, ["create", "start", "exit"]);
  client = await shim.next();
  t.same(await client.call("wait", {}), exit);
  t.match(await client.call("state", {}), { status: "stopped", ...exit });
  await client.call("delete", {});
  await client.call("shutdown", {});
});

test("execs outlive their shim: streams, exit, and one that was only added; by the worker too", async (t) => {
  await using files = tempDir("worker");
  await using shim = await startShim({ runtimePath: runtimeProgram(files.path), worker: true });
  await shim.create({ args: ["sleep", "1000"] });
  await shim.client.call("start", {});
  const stdio = { terminal: false, stdin: true };
  const add = async (execId: string, script: string) =>
    shim.client.call("exec", { execId, process: ociProcess(["sh", "-c", script]), stdio });
  await add("runs", "read line; echo $line; exit 4");
  await add("ended", "exit 5");
  await add("added", "exit 6");
  const { pid } = await shim.client.call("start", { execId: "runs" });
  await shim.client.call("start", { execId: "ended" });
  await shim.client.call("wait", { execId: "ended" });
  const client = await shim.next();
  t.match(await client.call("state", { execId: "runs" }), { pid, status: "running" });
  t.equal((await client.call("wait", { execId: "ended" })).exitStatus, 5);
  const attached = attachTo(client, { stdin: true, execId: "runs" });
  await attached.send("through\n");
  t.same(await attached.result, { exitStatus: 4 });
  t.equal(attached.stdout().toString(), "through\n");
  await client.call("start", { execId: "added" });
  t.equal((await client.call("wait", { execId: "added" })).exitStatus, 6);
  await t.rejects(client.call("exec", { execId: "runs", process: ociProcess(["true"]), stdio }), {
    code: "AlreadyExists",
  });
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await client.call("delete", {});
  await client.call("shutdown", {});
});

test("a start and a pause that the shim did not live to report are seen", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sleep", "1000"] });
  const journal = join(shim.directory, "journal");
  await shim.client.call("start", {});
  await shim.client.call("pause", {});
  await shim.kill();
  // As if it had been killed before the two events.
  const { writeFileSync } = await import("node:fs");
  const lines = readFileSync(journal, "utf8").trimEnd().split("\n");
  writeFileSync(journal, `${lines.slice(0, 2).join("\n")}\n${lines[2]?.slice(0, 20)}`);
  const client = await shim.next();
  t.equal((await client.call("state", {})).status, "paused");
  const topics = topicsOf(client);
  await waitFor(() => topics.length === 3);
  t.same(topics, ["create", "start", "paused"]);
  await client.call("resume", {});
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await client.call("delete", {});
  await client.call("shutdown", {});
});

test("a keeper's death ends its container, and is the reason of the exit", async (t) => {
  await using shim = await startShim();
  const pid = await shim.create({ args: ["sh", "-c", "sleep 1000 & sleep 1000"] });
  await shim.client.call("start", {});
  const topics = topicsOf(shim.client);
  process.kill(parentOf(pid), "SIGKILL");
  t.equal((await shim.client.call("wait", {})).exitStatus, 137);
  const { processes } = await shim.client.call("pids", {});
  t.same(processes, []);
  await waitFor(() => topics.includes("exit"));
  for await (const { value } of shim.client.open("events", { from: 3 }).items) {
    t.match(value, { topic: "exit", exitStatus: 137, reason: "its keeper died" });
    break;
  }
  await shim.client.call("delete", {});
  t.same(cgroupsOf(shim.id), []);
  await shim.client.call("shutdown", {});
});
