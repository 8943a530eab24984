import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkpointDeadlines, deadlines, shimAnswerDeadline } from "@gantry/ipc/contracts/deadlines";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { CommandLineRuntime } from "../src/runtime/command-line.ts";
import { RuntimeWorker } from "../src/runtime/worker.ts";
import { testKept } from "./support/kept.ts";
import { runtimeProgram } from "./support/runtime.ts";

const defaultCallDeadline = 30_000;

test("each deadline of the chain is longer than the one below", async (t) => {
  for (const chain of [deadlines, checkpointDeadlines]) t.ok(chain.runtime < chain.shim && chain.shim < chain.task);
  t.ok(shimAnswerDeadline < defaultCallDeadline);
});

test("a command that does not end in time is killed", async (t) => {
  await using files = tempDir("late");
  const [path, pidFile] = [join(files.path, "runtime"), join(files.path, "pid")];
  // Its child holds the output, as a runtime's may.
  writeFileSync(path, `#!/bin/sh\necho $$ > ${pidFile}\nsleep 1000 &\necho $! >> ${pidFile}\nwait\n`);
  chmodSync(path, 0o755);
  const runtime = { path, root: files.path, worker: false };
  await using kept = await testKept(files.path);
  const context = { runtime, id: "c", directory: files.path, deadlineMs: 300, kept };
  await t.rejects(new CommandLineRuntime(context).start(), {
    code: "DeadlineExceeded",
    message: "OCI runtime start did not end within 300 ms",
  });
  const [pid, child] = readFileSync(pidFile, "latin1").trim().split("\n").map(Number);
  await waitFor(() => !existsSync(`/proc/${pid}`), { what: "the end of the command" });
  process.kill(child ?? 0, "SIGKILL");
});

test("a worker that does not answer in time is killed, and the next request starts another", async (t) => {
  await using files = tempDir("late");
  const runtime = { path: runtimeProgram(files.path), root: files.path, worker: true };
  const worker = new RuntimeWorker({ runtime, directory: files.path, deadlineMs: 300 });
  const container = { root: files.path, id: "none" };
  const state = () => worker.use((client, options) => client.call("state", container, options));
  try {
    await t.rejects(state(), { code: "NotFound" });
    const pid = workerPid(join(files.path, "worker.sock"));
    process.kill(pid, "SIGSTOP");
    await t.rejects(state(), { code: "DeadlineExceeded" });
    await waitFor(() => !existsSync(`/proc/${pid}`), { what: "the end of the worker" });
    await waitFor(() => !worker.isReady, { what: "the notice of its end" });
    await t.rejects(state(), { code: "NotFound" });
  } finally {
    worker.close();
  }
});

/** The child of this process that was given a socket. */
function workerPid(socket: string): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ").map(Number);
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, "latin1").includes(socket));
  if (pid === undefined) throw new Error("there is no worker");
  return pid;
}
