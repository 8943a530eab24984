import { readdirSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { createContainer, namespace, removeContainer, runContainer, startTask, waitTask } from "./support/container.ts";
import { stackWithBusybox } from "./support/shared-stack.ts";
import { eventsUntil, isAlive, killShimAndKeeper, nothingLeft, ofTask, shimOf, stdio } from "./support/watch.ts";

const stack = await stackWithBusybox();

test("a supervisor that is killed loses no container, and reports those that ended meanwhile", async (t) => {
  await createContainer(stack, { id: "stays", args: ["sleep", "100"] });
  const pid = await startTask(stack, "stays");
  await createContainer(stack, { id: "ends", args: ["sh", "-c", "sleep 0.5; exit 5"] });
  await startTask(stack, "ends");
  await stack.client.call("containers.mountRootfs", { namespace, id: "stays" });
  const { sequence } = (await eventsUntil(stack, 1, ({ id, topic }) => id === "ends" && topic === "/tasks/start")).at(
    -1,
  ) ?? {
    sequence: 0,
  };
  stack.supervisor.kill("SIGKILL");
  await stack.supervisor.ended;
  t.ok(isAlive(pid));
  const shim = stack.helpers();
  t.ok(shim.length >= 2);
  await stack.restart();
  t.equal((await stack.client.call("tasks.get", ofTask("stays"))).pid, pid);
  t.equal(await waitTask(stack, "ends"), 5);
  const later = await eventsUntil(stack, sequence + 1, ({ id, topic }) => id === "ends" && topic === "/tasks/exit");
  t.strictSame(
    later.filter(({ id }) => id === "ends").map(({ topic, exitStatus }) => [topic, exitStatus]),
    [["/tasks/exit", 5]],
  );
  t.equal((await runContainer(stack, { id: "new", args: ["true"] })).status, 0);
  await removeContainer(stack, "ends");
  await stack.client.call("tasks.kill", { ...ofTask("stays"), signal: 15 });
  await stack.client.call("tasks.kill", { ...ofTask("stays"), signal: 9 });
  await waitTask(stack, "stays");
  await removeContainer(stack, "stays");
  await nothingLeft(stack);
});

test("a supervisor killed during operations repairs their remains", async (t) => {
  for (const delay of [1, 8, 25]) {
    const id = `half${delay}`;
    await createContainer(stack, { id, args: ["sleep", "100"] });
    const creating = stack.client.call("tasks.create", { ...ofTask(id), stdio }).catch(() => undefined);
    const pull = stack.client.open("images.load", { namespace });
    pull.result.catch(() => {});
    await pull.send({}, Buffer.alloc(4096, 1)).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, delay));
    await stack.restart();
    await creating;
    await waitFor(async () => {
      const { tasks } = await stack.client.call("tasks.list", { namespace });
      return tasks.every(({ status }) => status !== "unknown");
    });
    t.strictSame(readdirSync(join(stack.root, "ingest")), []);
    const { tasks } = await stack.client.call("tasks.list", { namespace });
    if (tasks.some(({ containerId }) => containerId === id)) await stack.client.call("tasks.delete", ofTask(id));
    await startTask(stack, id);
    await stack.client.call("tasks.kill", { ...ofTask(id), signal: 9 });
    t.equal(await waitTask(stack, id), 137);
    await removeContainer(stack, id);
  }
  await nothingLeft(stack);
});

test("a container whose shim dies lives on with another shim, which reports its exit", async (t) => {
  const id = "orphan";
  await createContainer(stack, { id, args: ["sleep", "100"] });
  const pid = await startTask(stack, id);
  process.kill(shimOf(pid), "SIGKILL");
  const waiting = waitTask(stack, id);
  t.match(await stack.client.call("tasks.get", ofTask(id)), { status: "running", pid });
  // A call that the killed shim had received fails.
  const { processes } = await waitFor(() => stack.client.call("tasks.pids", ofTask(id)), { timeoutMs: 20_000 });
  t.same(processes, [{ pid }], "the next shim answers");
  await stack.client.call("tasks.kill", { ...ofTask(id), signal: 9 });
  t.equal(await waiting, 137);
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

test("a container whose shim and keeper die is ended and reported", async (t) => {
  const id = "lost";
  await createContainer(stack, { id, args: ["sleep", "100"] });
  const pid = await startTask(stack, id);
  const waiting = waitTask(stack, id);
  killShimAndKeeper(pid);
  t.equal(await waiting, 137);
  t.notOk(isAlive(pid));
  t.equal((await stack.client.call("tasks.get", ofTask(id))).status, "stopped");
  await t.rejects(stack.client.call("tasks.kill", { ...ofTask(id), signal: 9 }), { code: "FailedPrecondition" });
  await removeContainer(stack, id);
  await nothingLeft(stack);
});
