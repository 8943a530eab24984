import { setTimeout as delay } from "node:timers/promises";
import { test } from "tap";
import type { UnderTest } from "./engine-under-test.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { forever } = await import("./scripts.ts");
const { waitFor } = await import("@gantry/testkit");

test("a forced removal beside a start, a restart or a restart by policy succeeds and leaves nothing", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn } = engine;
  const races: Record<string, (id: string) => Promise<unknown>> = {
    start: (Id) => client.call("containerStart", { Id }),
    restart: (Id) => client.call("containerRestart", { Id, Timeout: 0 }),
    "start with AutoRemove": (Id) => client.call("containerStart", { Id }),
    "restart by policy": async () => {},
  };
  for (let round = 0; round < 60; round++) {
    const [name, race] = Object.entries(races)[round % 4] ?? [];
    if (!name || !race) throw new Error("no such race");
    const byPolicy = name === "restart by policy";
    const Id = await engine.create(byPolicy ? "exit 1" : round % 8 < 4 ? forever : "true", {
      AutoRemove: name.endsWith("AutoRemove"),
      ...(byPolicy ? { RestartPolicy: { Name: "always" } } : {}),
    });
    if (name.startsWith("restart")) await client.call("containerStart", { Id });
    if (byPolicy) await waitFor(async () => (await engine.inspect(Id)).State.Status === "restarting");
    const racing = race(Id).catch((error: Error) => t.match(error.message, /marked for removal|No such container/));
    // The moment of the removal moves over the whole of what it races with.
    await delay(byPolicy ? 85 + (round % 30) : round % 20);
    try {
      await client.call("containerRemove", { Id, Force: true });
    } catch (error) {
      // It may have ended and removed itself just before.
      if (!name.endsWith("AutoRemove")) throw new Error(`${name}, round ${round}`, { cause: error });
      t.match(error, { code: "NotFound" });
    }
    await racing;
    await t.rejects(client.call("containerInspect", { Id }), { code: "NotFound" });
  }
  await waitFor(() => standIn.snapshots.size === 0);
  t.same([...standIn.specs.keys(), ...standIn.tasks()], []);
});

test("a forced removal waits for the start that is under way", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn } = engine;
  for (const AutoRemove of [false, true]) {
    const Id = await engine.create(forever, { AutoRemove });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const creating = new Promise<void>((resolve) => {
      standIn.hooks.set("tasks.create", () => {
        resolve();
        return released;
      });
    });
    const starting = client.call("containerStart", { Id });
    await creating;
    const removing = client.call("containerRemove", { Id, Force: true });
    // Answered after the removal has arrived: requests of one client are handled in order.
    await client.call("ping", {});
    release();
    await starting;
    await removing;
    await t.rejects(client.call("containerInspect", { Id }), { code: "NotFound" });
    // The files of a container with AutoRemove go after the reply.
    await waitFor(() => standIn.tasks().length + standIn.snapshots.size === 0);
  }
});

test("a restart keeps a running container with AutoRemove; its next exit removes it", async (t) => {
  await using engine = await engineUnderTest();
  const Id = await engine.create(forever, { AutoRemove: true });
  await engine.client.call("containerStart", { Id });
  const { Pid } = (await engine.inspect(Id)).State;
  await engine.client.call("containerRestart", { Id, Timeout: 0 });
  const { State } = await engine.inspect(Id);
  t.equal(State.Status, "running");
  t.not(State.Pid, Pid);
  const removed = engine.client.call("containerWait", { Id, Condition: "removed" });
  await engine.client.call("containerStop", { Id, Timeout: 0 });
  t.match(String((await removed).StatusCode), /137|143/);
});

test("a restart by policy emits die and start, a restart by a user also restart", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const Id = await engine.create("exit 1", { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 } });
  await client.call("containerStart", { Id });
  await waitFor(async () => (await engine.inspect(Id)).State.Status === "exited");
  t.same(await actions(engine, Id), ["create", "start", "die", "start", "die"]);
  const other = await engine.create(forever);
  await client.call("containerStart", { Id: other });
  await client.call("containerRestart", { Id: other, Timeout: 0 });
  t.same(await actions(engine, other), ["create", "start", "kill", "die", "stop", "start", "restart"]);
});

/** Actions in the events of a container, without repetitions. */
async function actions({ client }: UnderTest, id: string): Promise<string[]> {
  const Until = String((Date.now() + 5) / 1000);
  const stream = client.open("events", { Since: "0", Until, Filters: { container: [id], type: ["container"] } });
  const seen: string[] = [];
  // A second kill is sent only where the first one has not ended the process yet.
  for await (const { value } of stream.items) if (value.Action !== seen.at(-1)) seen.push(value.Action);
  return seen;
}

test("a kill of a container that waits for its restart ends the waiting", async (t) => {
  await using engine = await engineUnderTest();
  const Id = await engine.create("exit 1", { RestartPolicy: { Name: "always" } });
  await engine.client.call("containerStart", { Id });
  await waitFor(async () => (await engine.inspect(Id)).State.Status === "restarting");
  await engine.client.call("containerKill", { Id });
  t.equal((await engine.inspect(Id)).State.Status, "exited");
});

test("a paused container ends when it is killed or removed by force", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const [killed, removed] = [await engine.create(forever), await engine.create(forever)];
  for (const Id of [killed, removed]) {
    await client.call("containerStart", { Id });
    await client.call("containerPause", { Id });
  }
  await client.call("containerKill", { Id: killed, Signal: "TERM" });
  t.equal((await client.call("containerWait", { Id: killed })).StatusCode, 143);
  await client.call("containerRemove", { Id: removed, Force: true });
  t.same(engine.standIn.tasks(), []);
});

test("another container is kept by its id, not by the name that it had", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const first = await engine.create(forever, {}, { Name: "first" });
  const sharing = { PidMode: "container:first", NetworkMode: "container:first" };
  const Id = await engine.create("true", sharing);
  await client.call("containerRename", { Id: first, Name: "renamed" });
  await engine.create("true", {}, { Name: "first" });
  await client.call("containerStart", { Id: first });
  await client.call("containerStart", { Id });
  const { HostConfig } = await engine.inspect(Id);
  t.match(HostConfig, { PidMode: `container:${first}`, NetworkMode: `container:${first}` });
  const { Pid } = (await engine.inspect(first)).State;
  const spec = engine.standIn.specs.get(Id) as { linux: { namespaces: { type: string; path?: string }[] } };
  t.match(
    spec.linux.namespaces.find(({ type }) => type === "pid"),
    { path: `/proc/${Pid}/ns/pid` },
  );
});
