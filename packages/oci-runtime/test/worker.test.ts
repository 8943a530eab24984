import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect } from "@gantry/ipc";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";
import { P_PID, PR_SET_CHILD_SUBREAPER, SIGNALS, WEXITED } from "@gantry/native-sys";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { waitForExit } from "../src/run/launch/wait.ts";
import { processStat } from "../src/state/lifecycle.ts";
import { Box, cannotRun, program } from "./box.ts";

const skip = cannotRun() ?? false;

/** A worker of this process, and a client of it. */
class Worker implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly client: Client<(typeof runtimeContract)["methods"]>;
  readonly #exit: Promise<unknown>;

  constructor(process: ChildProcess, endpoint: string) {
    this.process = process;
    this.#exit = once(process, "exit");
    this.client = connect(runtimeContract, { endpoint });
  }

  static async start(directory: string): Promise<Worker> {
    chmodSync(directory, 0o700);
    const endpoint = `ipc://${join(directory, "worker.sock")}`;
    const child = spawn(program, ["worker", "--address", endpoint], { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const ready = JSON.parse(line.toString()) as { address: string; pid: number; version: string };
    if (ready.pid !== child.pid || ready.address !== endpoint) throw new Error(`unexpected ready line: ${line}`);
    return new Worker(child, endpoint);
  }

  /** Its standard input ends: so does it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    this.process.stdin?.end();
    await this.#exit;
  }
}

test("a life by messages; the process is this one's child; the command line sees it", { skip }, async (t) => {
  await using box = new Box();
  box.host.native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  await using worker = await Worker.start(box.directory);
  const { client } = worker;
  const out = join(box.directory, "out");
  closeSync(openSync(out, "w"));
  box.configure("echo hello; echo error >&2; sleep 60");
  const [root, id] = [box.store.root, box.newId()];
  const { pid } = await client.call("create", { root, id, bundle: box.bundle, streams: { stdout: out, stderr: out } });
  t.match(readFileSync(`/proc/${pid}/status`, "utf8"), new RegExp(`^PPid:\t${process.pid}$`, "m"));
  t.match(await client.call("state", { root, id }), { status: "created", pid, bundle: box.bundle });
  await client.call("start", { root, id });
  t.equal(JSON.parse(box.cli(["state", id]).stdout).status, "running");

  const result = join(box.directory, "exec-out");
  closeSync(openSync(result, "w"));
  const process_ = { cwd: "/", args: ["sh", "-c", "echo exec $$; exit 9"], env: ["PATH=/bin"] };
  const exec = await client.call("exec", { root, id, process: process_, streams: { stdout: result } });
  t.equal(await waitForExit(box.host, exec.pid), 9, "an exec is this process's child, too");
  t.match(readFileSync(result, "utf8"), /^exec \d+\n$/);

  t.same((await client.call("pids", { root, id })).pids.includes(pid), true);
  await client.call("pause", { root, id });
  t.equal((await client.call("state", { root, id }))["status"], "paused");
  await client.call("resume", { root, id });
  await client.call("update", { root, id, resources: { pids: { limit: 33 } } });
  t.match(await client.call("stats", { root, id }), { pids: { limit: 33 } });

  await client.call("kill", { root, id, signal: SIGNALS.SIGKILL });
  t.equal(await waitForExit(box.host, pid), 137);
  await client.call("delete", { root, id });
  await t.rejects(client.call("state", { root, id }), { code: "NotFound" });
  t.equal(readFileSync(out, "utf8"), "hello\nerror\n");
  // Helpers that forked and ended are this process's, too.
  while (box.host.native.waitid(0, 0, WEXITED));
});

test("nothing of the worker's own is open in a container", { skip }, async (t) => {
  await using box = new Box();
  box.host.native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  await using worker = await Worker.start(box.directory);
  const { client } = worker;
  const out = join(box.directory, "out");
  closeSync(openSync(out, "w"));
  // Without a pipe, which the shell itself would have open.
  const list = "ls -l /proc/$$/fd; env";
  box.configure(`${list}; sleep 60`, (spec) => {
    spec.process.env = ["PATH=/bin"];
  });
  const [root, id] = [box.store.root, box.newId()];
  const { pid } = await client.call("create", { root, id, bundle: box.bundle, streams: { stdout: out } });
  await client.call("start", { root, id });
  const process_ = { cwd: "/", args: ["sh", "-c", `${list}; true`], env: ["PATH=/bin"] };
  const exec = await client.call("exec", { root, id, process: process_, streams: { stdout: out } });
  await waitForExit(box.host, exec.pid);
  await waitFor(() => readFileSync(out, "utf8").match(/^PWD=/gm)?.length === 2);
  await client.call("kill", { root, id, signal: SIGNALS.SIGKILL });
  await waitForExit(box.host, pid);
  await client.call("delete", { root, id });
  while (box.host.native.waitid(0, 0, WEXITED));
  const text = readFileSync(out, "utf8");
  const one = ["0 -> /dev/null", `1 -> ${out}`, "2 -> /dev/null"];
  t.same(text.match(/\d+ -> .*/g), [...one, ...one]);
  t.same(text.match(/^[A-Z_]+=/gm)?.sort(), ["HOME=", "HOME=", "PATH=", "PATH=", "PWD=", "PWD=", "SHLVL=", "SHLVL="]);
});

test("errors keep their code and their message", { skip }, async (t) => {
  await using box = new Box();
  await using worker = await Worker.start(box.directory);
  const { client } = worker;
  const [root, id] = [box.store.root, box.newId()];
  const create = () => client.call("create", { root, id, bundle: box.bundle, streams: {} });
  box.configure("true", (spec) => {
    spec.process.args = ["nope"];
  });
  await t.rejects(create(), {
    code: "InvalidArgument",
    message: 'exec: "nope": executable file not found in $PATH',
    data: { reason: "ExecutableNotFound", errno: "ENOENT", op: "program" },
  });
  box.configure("true", (spec) => {
    spec.process.cwd = "tmp";
  });
  await t.rejects(create(), { code: "InvalidArgument", message: /process.cwd must be an absolute path/ });
  await t.rejects(client.call("start", { root, id }), { code: "NotFound", message: `container does not exist: ${id}` });
  await t.rejects(client.call("create", { root, id, bundle: "relative", streams: {} }), { code: "InvalidArgument" });
  t.same(box.store.list(), []);
});

test("a worker ends with its standard input, and its containers live on", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60");
  const [root, id] = [box.store.root, box.newId()];
  let pid = 0;
  {
    await using worker = await Worker.start(box.directory);
    ({ pid } = await worker.client.call("create", { root, id, bundle: box.bundle, streams: {} }));
    await worker.client.call("start", { root, id });
  }
  t.not(processStat(pid), undefined);
  t.equal(JSON.parse(box.cli(["state", id]).stdout).status, "running");
  t.equal(box.cli(["delete", "--force", id]).status, 0);
  t.equal(box.host.native.waitid(P_PID, pid, WEXITED)?.status, SIGNALS.SIGKILL);
  t.notOk(existsSync(join(root, id)));
});
