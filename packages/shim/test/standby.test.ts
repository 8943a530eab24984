import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { attachTo, finish, startShim } from "./support/shim.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;

test("a standby shim ends when its lease does, and takes its directory with it", async (t) => {
  await using shim = await startShim();
  t.match(await shim.client.call("connect", {}), { shimPid: shim.pid, version: /^\d+\.\d+\.\d+$/ });
  await t.rejects(shim.client.call("state", {}), { code: "NotFound" });
  shim.child.stdin?.end();
  await waitFor(() => shim.child.exitCode === 0);
  t.notOk(existsSync(shim.directory));
});

test("SIGTERM ends a standby shim; one with a container outlives its lease, signals and clients", async (t) => {
  await using standby = await startShim();
  process.kill(standby.pid, "SIGTERM");
  await waitFor(() => standby.child.exitCode === 0);
  t.notOk(existsSync(standby.directory));

  await using shim = await startShim();
  await shim.create({ args: ["cat"] }, { stdin: true });
  await shim.client.call("start", {});
  await t.rejects(shim.create({ args: ["cat"] }), { code: "AlreadyExists" });
  shim.child.stdin?.end();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(shim.pid, signal);
  shim.client.close();
  const again = shim.connect();
  t.equal((await again.call("state", {})).status, "running");
  const attached = attachTo(again, { stdin: true });
  await attached.send("still here\n");
  await waitFor(() => attached.stdout().toString() === "still here\n");
  await again.call("closeIO", {});
  t.same(await attached.result, { exitStatus: 0 });
  await again.call("delete", {});
  await again.call("shutdown", {});
  await waitFor(() => shim.child.exitCode === 0);
});

test("a client that is killed with streams open does no harm", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["cat"] }, { stdin: true });
  await shim.client.call("start", {});
  const script = `
    const { connect } = await import(${JSON.stringify(import.meta.resolve("@gantry/ipc"))});
    const { shimContract } = await import(${JSON.stringify(import.meta.resolve("@gantry/ipc/contracts/shim"))});
    const client = connect(shimContract, { endpoint: "ipc://${shim.directory}/shim.sock" });
    const stream = client.open("attach", { stdin: true, stdout: true, stderr: true });
    client.open("events", { from: 0 });
    client.call("wait", {});
    await stream.send({ kind: "stdin" }, Buffer.from("x"));
    for await (const _ of stream.items) process.kill(process.pid, "SIGKILL");`;
  const killed = spawnSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
  t.equal(killed.signal, "SIGKILL");
  const attached = attachTo(shim.client, { stdin: true });
  await attached.send("y\n");
  await waitFor(() => attached.stdout().toString() === "y\n");
  await shim.client.call("kill", { signal: 9 });
  t.equal((await shim.client.call("wait", {})).exitStatus, 137);
  await finish(shim);
});

test("out of memory: reported before the exit", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done"], memory: 16 << 20 });
  await shim.client.call("start", {});
  await shim.client.call("wait", {});
  const topics: string[] = [];
  for await (const { value } of shim.client.open("events", { from: 0 }).items) {
    topics.push(value.topic);
    if (value.topic === "exit") break;
  }
  t.same(topics, ["create", "start", "oom", "exit"]);
  await finish(shim);
});

test("run by hand: a sentence that says how it is started", (t) => {
  const run = (input: string | undefined) =>
    spawnSync(process.execPath, [main], {
      input,
      encoding: "utf8",
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
  for (const [input, message] of [
    [undefined, /standard input must be a pipe/],
    ["", /ended before a line/],
    ["hello\n", /is not JSON/],
    ['{"directory":"relative"}\n', /directory: must be an absolute path/],
  ] as const) {
    const { status, stderr } = run(input);
    t.equal(status, 1);
    t.match(stderr, message);
  }
  t.end();
});
