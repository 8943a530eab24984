import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@gantry/ipc";
import { shimContract } from "@gantry/ipc/contracts/shim";
import { parseDocument } from "@gantry/ipc/formats/document";
import { shimEndpoint, shimFiles, taskDocument } from "@gantry/ipc/formats/shim-directory";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { createContainer, namespace, removeContainer, startTask, waitTask } from "./support/container.ts";
import { stackWithBusybox } from "./support/shared-stack.ts";
import { isAlive, nothingLeft, ofTask, shimOf, stdio } from "./support/watch.ts";

const stack = await stackWithBusybox();
const { client } = stack;
const shell = (script: string) => ({
  args: ["sh", "-c", script],
  cwd: "/",
  env: ["PATH=/bin"],
  user: { uid: 0, gid: 0 },
});

/** The endpoint of the shim that has a container. */
function shimEndpointOf(id: string): string {
  const directories = readdirSync(join(stack.state, "shims")).map((name) => join(stack.state, "shims", name));
  const directory = directories.find((path) => {
    const file = join(path, shimFiles.task);
    return existsSync(file) && parseDocument(taskDocument, readFileSync(file, "utf8"), file).id === id;
  });
  return shimEndpoint(directory ?? "");
}

test("a shim that answers slowly when the supervisor restarts keeps its container", async (t) => {
  const id = "slow";
  await createContainer(stack, { id, args: ["sleep", "1000"] });
  const pid = await startTask(stack, id);
  const exec = { ...ofTask(id), execId: "e" };
  await client.call("tasks.exec", { ...exec, process: shell("sleep 1000"), user: "", stdio });
  const inner = (await client.call("tasks.start", exec)).pid;
  const shim = shimOf(pid);
  process.kill(shim, "SIGSTOP");
  try {
    await stack.restart();
    const execEnd = client.call("tasks.wait", exec, { timeoutMs: 60_000 });
    await waitFor(() => /shim of slow listens but does not answer/.test(stack.supervisor.stderr()), {
      timeoutMs: 30_000,
      what: "the report of a silent shim",
    });
    t.match(await client.call("tasks.get", ofTask(id)), { pid, status: "running" });
    t.ok(isAlive(pid));
    process.kill(shim, "SIGCONT");
    process.kill(inner, "SIGTERM");
    t.equal((await execEnd).exitStatus, 143, "a wait for an exec goes on when the shim answers again");
    await waitFor(() => client.call("tasks.kill", { ...ofTask(id), signal: 9 }), { what: "an answer of the shim" });
    t.equal(await waitTask(stack, id), 137);
  } finally {
    if (isAlive(shim)) process.kill(shim, "SIGCONT");
  }
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

test("a supervisor that missed more events than a shim keeps sees the exit", async (t) => {
  const id = "busy";
  await createContainer(stack, { id, args: ["sleep", "1000"] });
  await startTask(stack, id);
  const endpoint = shimEndpointOf(id);
  stack.supervisor.kill("SIGKILL");
  await stack.supervisor.ended;
  const shim = connect(shimContract, { endpoint });
  try {
    for (let at = 0; at < 1100; at++) {
      await shim.call("exec", { execId: `e${at}`, process: shell("true"), stdio });
      await shim.call("delete", { execId: `e${at}` });
    }
    await shim.call("kill", { signal: 9 });
    await shim.call("wait", {});
  } finally {
    shim.close();
  }
  await stack.restart();
  t.equal(await waitTask(stack, id), 137);
  t.match(await client.call("tasks.get", ofTask(id)), { status: "stopped", exitStatus: 137 });
  await client.call("tasks.delete", ofTask(id));
  await client.call("containers.delete", { namespace, id });
  await client.call("snapshots.remove", { namespace, key: id });
  await nothingLeft(stack);
});
