import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import {
  busybox,
  createContainer,
  namespace,
  removeContainer,
  runContainer,
  startTask,
  textOf,
  waitTask,
} from "./support/container.ts";
import { stackWithBusybox } from "./support/shared-stack.ts";
import { eventsUntil, nothingLeft, ofTask, stdio } from "./support/watch.ts";

const stack = await stackWithBusybox();

test("a container runs, ends, and leaves nothing", async (t) => {
  const result = await runContainer(stack, { id: "hello", args: ["sh", "-c", "echo hello; exit 3"] });
  t.strictSame(result, { status: 3, output: "hello\n" });
  await nothingLeft(stack);
  t.strictSame((await stack.client.call("containers.list", { namespace })).containers, []);
  t.strictSame((await stack.client.call("tasks.list", { namespace })).tasks, []);
});

test("the user is looked up in the image", async (t) => {
  const id = "whoami";
  const { output } = await runContainer(stack, { id, args: ["id"], user: "www-data" });
  t.equal(output, "uid=33(www-data) gid=33(www-data) groups=33(www-data)\n");
  await t.rejects(runContainer(stack, { id, args: ["id"], user: "nobody-else" }), {
    code: "InvalidArgument",
    message: /unable to find user nobody-else: no matching entries in passwd file/,
  });
  await nothingLeft(stack);
  await stack.client.call("containers.delete", { namespace, id });
  await stack.client.call("snapshots.remove", { namespace, key: id });
});

test("a command that is not there fails the creation and leaves nothing", async (t) => {
  const id = "nocommand";
  await t.rejects(runContainer(stack, { id, args: ["/no/such/command"] }), { message: /no\/such\/command/ });
  const task = await stack.client.call("tasks.get", ofTask(id)).catch((error) => error.code);
  if (task !== "NotFound") await stack.client.call("tasks.delete", ofTask(id));
  await stack.client.call("containers.delete", { namespace, id });
  await stack.client.call("snapshots.remove", { namespace, key: id });
  await nothingLeft(stack);
  // The standby shim, its worker and its keeper stay, for the next container.
  await waitFor(() => stack.helpers().length <= 3, { what: "the end of its shim" });
});

test("events come in order and can be read again", async (t) => {
  await runContainer(stack, { id: "events", args: ["true"] });
  const from = 1;
  const isLast = ({ id, topic }: SupervisorEvent) => id === "events" && topic === "/snapshot/remove";
  const events = await eventsUntil(stack, from, isLast);
  t.strictSame(
    events.filter(({ id }) => id === "events").map(({ topic }) => topic),
    [
      "/snapshot/prepare",
      "/containers/create",
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit",
      "/tasks/delete",
      "/containers/delete",
      "/snapshot/remove",
    ],
  );
  t.ok(events.every(({ sequence }, at) => at === 0 || sequence > (events[at - 1]?.sequence ?? 0)));
  t.strictSame(await eventsUntil(stack, from, isLast), events);
});

test("execs run beside the first process and have statuses of their own", async (t) => {
  const id = "execs";
  await createContainer(stack, { id, args: ["sleep", "100"] });
  await startTask(stack, id);
  const process = { args: ["sh", "-c", "id -un; exit 7"], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };
  const exec = { ...ofTask(id), execId: "one" };
  await stack.client.call("tasks.exec", { ...exec, process, user: "nobody", stdio });
  const attached = stack.client.open("tasks.attach", { ...exec, stdin: false, stdout: true, stderr: true });
  const output = textOf(attached.items);
  await stack.client.call("tasks.start", exec);
  t.equal((await stack.client.call("tasks.wait", exec)).exitStatus, 7);
  t.equal(await output, "nobody\n");
  await stack.client.call("tasks.delete", exec);
  await t.rejects(stack.client.call("tasks.delete", ofTask(id)), {
    code: "FailedPrecondition",
    message: /execs is running/,
  });
  await t.rejects(stack.client.call("containers.delete", { namespace, id }), { code: "FailedPrecondition" });
  await stack.client.call("tasks.pause", ofTask(id));
  t.equal((await stack.client.call("tasks.get", ofTask(id))).status, "paused");
  await stack.client.call("tasks.resume", ofTask(id));
  await stack.client.call("tasks.kill", { ...ofTask(id), signal: 9 });
  t.equal(await waitTask(stack, id), 137);
  await removeContainer(stack, id);
  await nothingLeft(stack);
});

test("a name can be used again at once, and a container started again on what it wrote", async (t) => {
  for (let round = 0; round < 3; round++) {
    t.equal((await runContainer(stack, { id: "again", args: ["true"] })).status, 0);
  }
  const id = "kept";
  await createContainer(stack, { id, args: ["sh", "-c", "echo x >> /count; exit $(wc -l < /count)"] });
  for (const status of [1, 2, 3]) {
    await startTask(stack, id);
    t.equal(await waitTask(stack, id), status);
    await stack.client.call("tasks.delete", ofTask(id));
  }
  const { path } = await stack.client.call("containers.mountRootfs", { namespace, id });
  t.equal(readFileSync(`${path}/count`, "utf8"), "x\nx\nx\n");
  await stack.client.call("containers.unmountRootfs", { namespace, id });
  await stack.client.call("containers.delete", { namespace, id });
  await stack.client.call("snapshots.remove", { namespace, key: id });
  await nothingLeft(stack);
});

test("many containers at once", async (t) => {
  const ids = Array.from({ length: 6 }, (_, at) => `many${at}`);
  const results = await Promise.all(ids.map((id, at) => runContainer(stack, { id, args: ["sh", "-c", `exit ${at}`] })));
  t.strictSame(
    results.map(({ status }) => status),
    [0, 1, 2, 3, 4, 5],
  );
  await nothingLeft(stack);
});

test("an image in use can lose its name; its layers go with the last container", async (t) => {
  const id = "last";
  await createContainer(stack, { id, args: ["sh", "-c", "exit 0"] });
  await stack.client.call("images.tag", { namespace, name: busybox, newName: "docker.io/library/other:1" });
  t.strictSame((await stack.client.call("images.delete", { namespace, name: busybox })).removed, []);
  t.equal(
    (await stack.client.call("images.delete", { namespace, name: "docker.io/library/other:1" })).removed.length,
    3,
  );
  await startTask(stack, id);
  t.equal(await waitTask(stack, id), 0);
  await removeContainer(stack, id);
  await waitFor(async () => (await stack.client.call("snapshots.list", { namespace })).snapshots.length === 0);
  await nothingLeft(stack);
  await waitFor(() => readdirSync(join(stack.root, "snapshots/.removing")).length === 0);
});

test("a second supervisor on the same root is refused", async (t) => {
  const args = [
    "--root",
    stack.root,
    "--state",
    `${stack.state}2`,
    "--shim",
    "/bin/true",
    "--oci-runtime",
    "/bin/true",
  ];
  try {
    execFileSync(join(stack.bin, "supervisor"), args, { stdio: "pipe" });
    t.fail("it must not start");
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: Buffer };
    t.equal(status, 1);
    t.match(stderr.toString(), /is in use by another supervisor \(process \d+\)/);
  }
});
