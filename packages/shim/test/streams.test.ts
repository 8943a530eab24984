import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { ociProcess } from "./support/bundle.ts";
import { attachTo, finish, startShim } from "./support/shim.ts";

const plain = { terminal: false, stdin: false };

test("stdin: bytes go in, closing ends it; without it the process reads end of file", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["cat"] }, { stdin: true, stdinOnce: true });
  const attached = attachTo(shim.client, { stdin: true });
  await shim.client.call("start", {});
  const big = Buffer.alloc(300_000, "0123456789");
  await attached.send(big);
  await attached.send("end\n");
  attached.end();
  t.same(await attached.result, { exitStatus: 0 });
  t.ok(attached.stdout().equals(Buffer.concat([big, Buffer.from("end\n")])), "all of it, in order");
  await finish(shim);

  await using without = await startShim();
  await without.create({ args: ["cat"] });
  await without.client.call("start", {});
  t.equal((await without.client.call("wait", {})).exitStatus, 0);
  await finish(without);
});

test("stdin stays open for the next client unless stdinOnce; closeIO closes it", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["cat"] }, { stdin: true });
  await shim.client.call("start", {});
  for (const word of ["one\n", "two\n"]) {
    const attached = attachTo(shim.connect(), { stdin: true });
    await attached.send(word);
    await waitFor(() => attached.stdout().toString() === word);
    attached.end();
    attached.cancel();
  }
  t.equal((await shim.client.call("state", {})).status, "running");
  await shim.client.call("closeIO", {});
  t.equal((await shim.client.call("wait", {})).exitStatus, 0);
  await finish(shim);
});

test("a terminal: one stream, its size, resize, control characters", async (t) => {
  await using shim = await startShim();
  const script = "stty size; read word; stty size; echo got $word; trap 'exit 130' INT; while read word; do :; done";
  const stdio = { terminal: true, stdin: true, consoleSize: { width: 101, height: 33 } };
  await shim.create({ args: ["sh", "-c", script] }, stdio);
  const attached = attachTo(shim.client, { stdin: true });
  await shim.client.call("start", {});
  await waitFor(() => attached.stdout().includes("33 101\r\n"));
  await shim.client.call("resizePty", { width: 80, height: 24 });
  await attached.send("hello\n");
  await waitFor(() => attached.stdout().includes("24 80\r\n") && attached.stdout().includes("got hello\r\n"));
  await attached.resize(70, 20);
  await attached.send(Buffer.from([3]));
  t.same(await attached.result, { exitStatus: 130 }, "control-C is a signal");
  t.equal(attached.stderr().length, 0);
  t.same((await shim.client.call("state", {})).terminal, true);
  await finish(shim);
});

test("exec: a terminal has its size before the program's first instruction", async (t) => {
  await using shim = await startShim();
  const { client } = shim;
  await shim.create({ args: ["sleep", "1000"] });
  await client.call("start", {});
  const stdio = { terminal: true, stdin: false, consoleSize: { width: 101, height: 33 } };
  for (let round = 0; round < 20; round++) {
    const execId = `sized${round}`;
    await client.call("exec", { execId, process: ociProcess(["stty", "size"], true), stdio });
    const attached = attachTo(client, { execId });
    await client.call("start", { execId });
    t.same(await attached.result, { exitStatus: 0 });
    t.equal(attached.stdout().toString(), "33 101\r\n", execId);
  }
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await finish(shim);
});

test("exec: streams and exit of its own; early ends; a command that is not there", async (t) => {
  await using shim = await startShim();
  const { client } = shim;
  await shim.create({ args: ["sleep", "1000"] });
  await client.call("start", {});
  const exec = { execId: "e1", process: ociProcess(["sh", "-c", "cat; echo err >&2; exit 3"]) };
  await client.call("exec", { ...exec, stdio: { terminal: false, stdin: true, stdinOnce: true } });
  await t.rejects(client.call("exec", { ...exec, stdio: plain }), { code: "AlreadyExists" });
  const attached = attachTo(client, { execId: "e1", stdin: true });
  await attached.send("sent before the start\n");
  await client.call("start", { execId: "e1" });
  attached.end();
  t.same(await attached.result, { exitStatus: 3 });
  t.equal(attached.stdout().toString(), "sent before the start\n");
  t.equal(attached.stderr().toString(), "err\n");
  t.equal((await client.call("delete", { execId: "e1" })).exitStatus, 3);
  await t.rejects(client.call("state", { execId: "e1" }), { code: "NotFound" });

  const many = Array.from({ length: 8 }, (_, index) => `quick${index}`);
  await Promise.all(
    many.map(async (execId, index) => {
      await client.call("exec", { execId, process: ociProcess(["sh", "-c", `exit ${index}`]), stdio: plain });
      await client.call("start", { execId });
      t.equal((await client.call("wait", { execId })).exitStatus, index);
    }),
  );

  await client.call("exec", { execId: "none", process: ociProcess(["no-such"]), stdio: plain });
  await t.rejects(client.call("start", { execId: "none" }), { message: /no-such/ });

  await client.call("exec", { execId: "long", process: ociProcess(["sleep", "1000"]), stdio: plain });
  await client.call("start", { execId: "long" });
  await client.call("kill", { execId: "long", signal: 15 });
  t.equal((await client.call("wait", { execId: "long" })).exitStatus, 143);

  const topics = new Map<string, string[]>();
  for await (const { value } of client.open("events", { from: 0 }).items) {
    const own = topics.get(value.execId ?? "") ?? [];
    topics.set(value.execId ?? "", [...own, value.topic]);
    if (value.topic === "exit" && value.execId === "long") break;
  }
  for (const execId of many) t.same(topics.get(execId), ["exec-added", "exec-started", "exit"]);
  await client.call("kill", { signal: 9 });
  await client.call("wait", {});
  await finish(shim);
});

test("children left by an exec do not delay its end", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sleep", "1000"] });
  await shim.client.call("start", {});
  const process = ociProcess(["sh", "-c", "sleep 1000 & echo started"]);
  await shim.client.call("exec", { execId: "e", process, stdio: plain });
  const attached = attachTo(shim.client, { execId: "e" });
  await shim.client.call("start", { execId: "e" });
  t.same(await attached.result, { exitStatus: 0 });
  t.equal(attached.stdout().toString(), "started\n");
  const chatty = ociProcess(["sh", "-c", "while :; do echo x; done & echo started"]);
  await shim.client.call("exec", { execId: "c", process: chatty, stdio: plain });
  const endless = attachTo(shim.client, { execId: "c" });
  await shim.client.call("start", { execId: "c" });
  t.equal((await shim.client.call("wait", { execId: "c" })).exitStatus, 0);
  t.same(await endless.result, { exitStatus: 0 }, "not even one that goes on printing");
  await shim.client.call("kill", { signal: 9 });
  await shim.client.call("wait", {});
  await finish(shim);
});

test("two clients: a slow reader slows the process and loses nothing; a disconnected one is dropped", async (t) => {
  await using shim = await startShim();
  const size = 24 << 20;
  await shim.create({ args: ["sh", "-c", `read go; yes 0123456789abcde | head -c ${size}`] }, { stdin: true });
  const quick = attachTo(shim.client, { stdin: true });
  const other = shim.connect();
  const slow = other.open("attach", { stdin: false, stdout: true, stderr: false });
  await other.call("connect", {}); // answered after the attach was taken
  await shim.client.call("start", {});
  await quick.send("go\n");
  let seen = 0;
  await waitFor(() => {
    const before = seen;
    seen = quick.stdout().length;
    return seen > 0 && seen === before;
  });
  t.ok(seen < size, "the quick one waits for the slow one");
  let length = 0;
  for await (const { blobs } of slow.items) for (const blob of blobs) length += blob.length;
  t.equal(length, size);
  t.same(await quick.result, { exitStatus: 0 });
  t.equal(quick.stdout().length, size);
  await finish(shim);
});

test("a client that dies does not stop the process", async (t) => {
  await using shim = await startShim();
  const size = 16 << 20;
  await shim.create({ args: ["sh", "-c", `read go; yes 0123456789abcde | head -c ${size}`] }, { stdin: true });
  const stuck = shim.connect();
  stuck.open("attach", { stdin: false, stdout: true, stderr: false });
  await stuck.call("connect", {});
  const quick = attachTo(shim.client, { stdin: true });
  await shim.client.call("start", {});
  await quick.send("go\n");
  await waitFor(() => quick.stdout().length > 0);
  stuck.close();
  t.same(await quick.result, { exitStatus: 0 });
  t.equal(quick.stdout().length, size);
  await finish(shim);
});

test("named pipes: both ways, a reader that comes and goes, removed by delete", async (t) => {
  await using shim = await startShim();
  const path = (name: string) => join(shim.files, name);
  const fifos = { stdin: path("in"), stdout: path("out"), stderr: path("err") };
  execFileSync("mkfifo", Object.values(fifos));
  await shim.create({ args: ["sh", "-c", "cat; echo done >&2"] }, { stdin: true, fifos });
  await shim.client.call("start", {});
  const input = openSync(fifos.stdin, constants.O_WRONLY | constants.O_NONBLOCK);
  const read = (fd: number) => waitFor(() => tryRead(fd));
  const first = openSync(fifos.stdout, constants.O_RDONLY | constants.O_NONBLOCK);
  writeSync(input, "one\n");
  t.equal(await read(first), "one\n");
  closeSync(first);
  writeSync(input, "two\n");
  closeSync(input);
  const second = openSync(fifos.stdout, constants.O_RDONLY | constants.O_NONBLOCK);
  const errors = openSync(fifos.stderr, constants.O_RDONLY | constants.O_NONBLOCK);
  t.equal(await read(second), "two\n");
  await shim.client.call("closeIO", {});
  t.equal((await shim.client.call("wait", {})).exitStatus, 0);
  t.equal(await read(errors), "done\n");
  await finish(shim);
  t.equal(readSync(second, Buffer.alloc(10)), 0, "end of file");
  closeSync(second);
  closeSync(errors);
  t.notOk(Object.values(fifos).some((each) => existsSync(each)));
});

function tryRead(fd: number): string {
  const buffer = Buffer.alloc(4096);
  return buffer.toString("latin1", 0, readSync(fd, buffer));
}
