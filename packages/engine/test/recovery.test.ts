import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "tap";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { exitsOnTerm, forever } = await import("./scripts.ts");
const { waitFor } = await import("@gantry/testkit");

test("a container runs on over a restart of the engine, which then sees its end", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create(exitsOnTerm(9));
  await engine.client.call("containerStart", { Id: id });
  const { Pid } = (await engine.inspect(id)).State;
  await engine.restart();
  t.match((await engine.inspect(id)).State, { Status: "running", Pid });
  await engine.client.call("containerStop", { Id: id });
  t.match((await engine.inspect(id)).State, { Status: "exited", ExitCode: 9 });
});

test("exits while no engine ran are handled: state, removal, restart", async (t) => {
  await using engine = await engineUnderTest();
  const plain = await engine.create(forever);
  const brief = await engine.create(forever, { AutoRemove: true });
  const always = await engine.create(forever, { RestartPolicy: { Name: "always" } });
  for (const Id of [plain, brief, always]) await engine.client.call("containerStart", { Id });
  const before = await Promise.all([plain, brief, always].map(async (id) => (await engine.inspect(id)).State.Pid));
  await engine.restart(async () => {
    for (const pid of before) process.kill(-pid, "SIGKILL");
    await waitFor(() => [plain, brief, always].every((id) => engine.standIn.ended(id)));
  });
  t.match((await engine.inspect(plain)).State, { Status: "exited", ExitCode: 137 });
  await waitFor(async () => (await engine.client.call("containerList", { All: true })).Containers.length === 2);
  await waitFor(async () => (await engine.inspect(always)).State.Status === "running");
  t.not((await engine.inspect(always)).State.Pid, before[2]);
  t.equal((await engine.inspect(always)).RestartCount, 1);
});

test("a task that is gone without a trace counts as ended", async (t) => {
  await using engine = await engineUnderTest();
  const id = await engine.create("sleep 1000");
  await engine.client.call("containerStart", { Id: id });
  await engine.restart(async () => engine.standIn.forget(id));
  t.match((await engine.inspect(id)).State, { Status: "exited", ExitCode: 255 });
});

test("leftovers of a failed create go with the next start: snapshots, directories, network namespaces", async (t) => {
  await using engine = await engineUnderTest();
  const kept = await engine.create("true");
  const stray = "f".repeat(64);
  await engine.restart(async () => {
    engine.standIn.snapshots.set(stray, { key: stray, labels: { "gantry.container": stray } });
    engine.standIn.snapshots.set("other", { key: "other", labels: {} });
    engine.standIn.specs.set(stray, {});
    engine.standIn.specs.set("shell", {});
    await mkdir(join(engine.root, "containers", stray));
    await mkdir(join(engine.state, "netns"), { recursive: true });
    const { nativeSys } = await import("@gantry/native-sys");
    nativeSys().createNetns(join(engine.state, "netns", stray.slice(0, 12)));
  });
  t.same([...engine.standIn.snapshots.keys()].sort(), [kept, "other"].sort());
  t.same([...engine.standIn.specs.keys()], ["shell"], "a container of another tool in the namespace is kept");
  t.same(await readdir(join(engine.root, "containers")), [kept]);
  t.same(await readdir(join(engine.state, "netns")), []);
});

test("the supervisor comes back: exits meanwhile are known, running containers are not touched", async (t) => {
  await using engine = await engineUnderTest();
  const ended = await engine.create(forever);
  const running = await engine.create(`echo up; ${forever}`);
  for (const Id of [ended, running]) await engine.client.call("containerStart", { Id });
  const waiting = engine.client.call("containerWait", { Id: ended }, { timeoutMs: 0 });
  await engine.standIn.stop();
  process.kill(-(await engine.inspect(ended)).State.Pid, "SIGKILL");
  await engine.standIn.restart();
  t.equal((await waiting).StatusCode, 137);
  t.equal((await engine.inspect(running)).State.Status, "running");
  await engine.client.call("containerKill", { Id: running });
  await waitFor(async () => (await engine.inspect(running)).State.Status === "exited");
});

test("an attached caller stays attached while the supervisor is lost and comes back", async (t) => {
  await using engine = await engineUnderTest();
  const script = "echo ready; read a; echo got $a; exit 6";
  const id = await engine.create(script, {}, { Config: { OpenStdin: true } });
  const stream = engine.client.open("containerAttach", { Id: id, Stdin: true, Stdout: true, Stderr: true });
  let output = "";
  const reading = (async () => {
    for await (const { value, blobs } of stream.items) {
      if ("attached" in value) await engine.client.call("containerStart", { Id: id });
      output += Buffer.concat(blobs as Buffer[]);
    }
    return stream.result;
  })();
  await waitFor(() => output === "ready\n");
  await engine.standIn.stop();
  await engine.standIn.restart();
  await waitFor(() => engine.standIn.attached(id) === 1);
  await stream.send({ kind: "stdin" }, Buffer.from("line\n"));
  t.equal((await reading).ExitCode, 6);
  t.equal(output, "ready\ngot line\n");
});

test("a second engine on the same root is refused", async (t) => {
  await using engine = await engineUnderTest();
  const { openDatabase } = await import("../src/store/database.ts");
  t.throws(() => openDatabase(join(engine.root, "engine.db")), { message: /is in use by another engine/ });
});

for (const verb of ["containerStop", "containerRestart"] as const) {
  test(`${verb}: the next engine finishes what a kill interrupted, with the requested signal and time`, async (t) => {
    await using engine = await engineUnderTest();
    const { client, standIn } = engine;
    const Id = await engine.create("trap 'exit 9' USR1; trap '' TERM; while :; do sleep 0.01; done");
    await client.call("containerStart", { Id });
    const { Pid } = (await engine.inspect(Id)).State;
    const { promise: asked, resolve: signalled } = Promise.withResolvers<void>();
    standIn.hooks.set("tasks.kill", () => {
      signalled();
      return new Promise(() => {});
    });
    client.call(verb, { Id, Signal: "USR1", Timeout: 600 }).catch(() => {});
    await asked;
    standIn.hooks.delete("tasks.kill");
    await engine.restart();
    const wanted = verb === "containerStop" ? "exited" : "running";
    await waitFor(async () => {
      const { State } = await engine.inspect(Id);
      return State.Status === wanted && State.Pid !== Pid;
    });
    if (verb === "containerStop") t.equal((await engine.inspect(Id)).State.ExitCode, 9);
    t.equal(standIn.tasks().length, verb === "containerStop" ? 0 : 1);
  });
}
