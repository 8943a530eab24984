import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { createContainer, namespace, removeContainer, startTask, waitTask } from "./support/container.ts";
import { stackWithBusybox } from "./support/shared-stack.ts";
import {
  eventsUntil,
  isAlive,
  killShimAndKeeper,
  nothingLeft,
  ofTask,
  parentOf,
  shimOf,
  stdio,
} from "./support/watch.ts";

const stack = await stackWithBusybox();
const { client } = stack;
const shell = (script: string) => ({
  args: ["sh", "-c", script],
  cwd: "/",
  env: ["PATH=/bin"],
  user: { uid: 0, gid: 0 },
});

test("wait misses no exit: asked before the start, while it runs, after the end, of an exec, across a restart", async (t) => {
  const id = "waits";
  await createContainer(stack, { id, args: ["sh", "-c", "while [ ! -e /go ]; do sleep 0.02; done; exit 9"] });
  await client.call("tasks.create", { ...ofTask(id), stdio });
  const early = client.call("tasks.wait", ofTask(id), { timeoutMs: 60_000 });
  await client.call("tasks.start", ofTask(id));
  const exec = { ...ofTask(id), execId: "e" };
  await client.call("tasks.exec", { ...exec, process: shell("exit 4"), user: "", stdio });
  const execEarly = client.call("tasks.wait", exec, { timeoutMs: 60_000 });
  await client.call("tasks.start", exec);
  t.equal((await execEarly).exitStatus, 4);
  const execLate = await client.call("tasks.wait", exec);
  t.same(execLate, await execEarly);
  t.same(await client.call("tasks.delete", exec), execLate);
  await t.rejects(client.call("tasks.wait", exec), { code: "NotFound" });
  const running = client.call("tasks.wait", ofTask(id), { timeoutMs: 60_000 });
  const { path } = await client.call("containers.mountRootfs", { namespace, id });
  await (await open(join(path, "go"), "w")).close();
  const exit = await early;
  t.equal(exit.exitStatus, 9);
  t.same(await running, exit);
  t.same(await client.call("tasks.wait", ofTask(id)), exit);
  await stack.restart();
  t.same(await client.call("tasks.wait", ofTask(id)), exit, "the same to the nanosecond");
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

test("a wait for an exec goes on with the next shim, and answers when shim and keeper die", async (t) => {
  const id = "execdies";
  await createContainer(stack, { id, args: ["sleep", "1000"] });
  const pid = await startTask(stack, id);
  const exec = { ...ofTask(id), execId: "e" };
  await client.call("tasks.exec", { ...exec, process: shell("sleep 1000"), user: "", stdio });
  const inner = (await client.call("tasks.start", exec)).pid;
  t.match((await client.call("tasks.pids", ofTask(id))).processes, [{ pid }, { pid: inner, execId: "e" }]);
  const waiting = client.call("tasks.wait", exec, { timeoutMs: 60_000 });
  process.kill(shimOf(pid), "SIGKILL");
  // A call that the killed shim had received fails.
  const { processes } = await waitFor(() => client.call("tasks.pids", ofTask(id)), { timeoutMs: 20_000 });
  t.match(processes, [{ pid }, { pid: inner, execId: "e" }]);
  process.kill(parentOf(pid), "SIGKILL");
  t.equal((await waiting).exitStatus, 137);
  t.match(await client.call("tasks.get", ofTask(id)), {
    status: "stopped",
    exitStatus: 137,
    reason: "its keeper died",
  });
  const events = await eventsUntil(stack, 1, (event) => event.id === id && event.topic === "/tasks/exit");
  t.match(events.at(-1), { exitStatus: 137, reason: "its keeper died" });
  await waitFor(() => !isAlive(inner));
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

test("named pipes, as containerd names them; they go with the process, also when its shim is dead", async (t) => {
  const id = "pipes";
  const fifoDirectory = join(stack.state, "fifo");
  await createContainer(stack, { id, args: ["sh", "-c", "read x; echo got $x; echo err >&2; exec sleep 1000"] });
  const request = { ...ofTask(id), stdio: { terminal: false, stdin: true }, fifoDirectory };
  const { fifos } = await client.call("tasks.create", request);
  const directory = dirname(fifos?.stdout ?? "");
  t.equal(dirname(directory), fifoDirectory);
  t.same(fifos, {
    stdin: `${directory}/${id}-stdin`,
    stdout: `${directory}/${id}-stdout`,
    stderr: `${directory}/${id}-stderr`,
  });
  for (const path of Object.values(fifos ?? {})) t.ok(path && statSync(path).isFIFO());
  const [stdout, stderr] = await Promise.all([fifos?.stdout, fifos?.stderr].map((path) => open(path ?? "", "r")));
  const { pid } = await client.call("tasks.start", ofTask(id));
  const stdin = await open(fifos?.stdin ?? "", "w");
  await stdin.write("hello\n");
  const read = async (file = stdout) => {
    const bytes = Buffer.alloc(99);
    const { bytesRead = 0 } = (await file?.read(bytes, 0, bytes.length, null)) ?? {};
    return bytes.toString("utf8", 0, bytesRead);
  };
  t.equal(await read(), "got hello\n");
  t.equal(await read(stderr), "err\n");
  const exec = { ...ofTask(id), execId: "tty" };
  const terminal = { terminal: true, stdin: true };
  const made = await client.call("tasks.exec", {
    ...exec,
    process: { ...shell("exit 0"), terminal: true },
    user: "",
    stdio: terminal,
    fifoDirectory,
  });
  t.same(Object.keys(made.fifos ?? {}).sort(), ["stdin", "stdout"], "a terminal has no stderr");
  t.match(made.fifos?.stdout, /\/tty-stdout$/);
  const reader = await open(made.fifos?.stdout ?? "", "r+");
  await client.call("tasks.start", exec);
  await client.call("tasks.wait", exec);
  await client.call("tasks.delete", exec);
  t.notOk(existsSync(dirname(made.fifos?.stdout ?? "")));
  await Promise.all([stdin, stdout, stderr, reader].map((file) => file?.close()));
  killShimAndKeeper(pid);
  await waitTask(stack, id);
  await removeContainer(stack, id);
  await nothingLeft(stack);
  await waitFor(() => readdirSync(fifoDirectory).length === 0, { what: "the end of the pipes" });
  await t.rejects(client.call("tasks.create", { ...request, fifoDirectory: "/proc/nowhere" }), { code: "NotFound" });
});

test("the same id in two namespaces: two containers, with the supervisor's own runtime and a state for each", async (t) => {
  const id = "twin";
  const others = { namespace: "other", containerId: id };
  await createContainer(stack, { id, args: ["sleep", "1000"] });
  const { spec } = await client.call("containers.get", { namespace, id });
  const root = { path: await busyboxRoot(id) };
  const linux = { ...(spec.linux as object), cgroupsPath: "/gantry-test-other-twin" };
  const plain = { image: "", labels: {}, snapshotKey: "", user: "" };
  const { runtime } = await client.call("containers.create", {
    ...{ namespace: "other", id, ...plain },
    spec: { ...spec, root, linux },
  });
  t.match(runtime, { path: join(stack.bin, "oci-runtime"), root: `${stack.state}/runtime/other`, worker: true });
  const pid = await startTask(stack, id);
  await client.call("tasks.create", { ...others, stdio });
  const other = (await client.call("tasks.start", others)).pid;
  t.not(pid, other);
  await client.call("tasks.kill", { ...others, signal: 9 });
  t.equal((await client.call("tasks.wait", others)).exitStatus, 137);
  t.ok(isAlive(pid));
  await client.call("tasks.delete", others);
  await client.call("containers.delete", { namespace: "other", id });
  await client.call("tasks.kill", { ...ofTask(id), signal: 9 });
  await waitTask(stack, id);
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

/** A root file system that a container of no snapshot can have. */
async function busyboxRoot(id: string): Promise<string> {
  return (await client.call("containers.mountRootfs", { namespace, id })).path;
}

test("sockets are files in directories of mode 0700, none has an abstract name; shims have sessions of their own", async (t) => {
  const id = "sockets";
  await createContainer(stack, { id, args: ["sleep", "1000"] });
  const pid = await startTask(stack, id);
  const shim = shimOf(pid);
  const inodes = new Set(
    [shim, ...stack.helpers(), stack.supervisor.pid ?? 0].flatMap((process) =>
      readdirSync(`/proc/${process}/fd`).flatMap((fd) => socketOf(`/proc/${process}/fd/${fd}`)),
    ),
  );
  const lines = readFileSync("/proc/net/unix", "latin1").split("\n").slice(1);
  const ours = lines.map((line) => line.trim().split(/\s+/)).filter(([, , , , , , inode = ""]) => inodes.has(inode));
  const names = ours.flatMap((fields) => (fields[7] ? [fields[7]] : []));
  t.ok(names.length > 1);
  t.same(
    names.filter((name) => !name.startsWith(`${stack.state}/`)),
    [],
    "no abstract name, no other place",
  );
  for (const name of names) t.equal(statSync(dirname(name)).mode & 0o777, 0o700, name);
  t.equal(Number(readFileSync(`/proc/${shim}/stat`, "latin1").split(") ")[1]?.split(" ")[3]), shim, "its own session");
  await client.call("tasks.kill", { ...ofTask(id), signal: 9 });
  await waitTask(stack, id);
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

function socketOf(path: string): string[] {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.slice(1) ?? [];
  } catch {
    return []; // closed meanwhile
  }
}
