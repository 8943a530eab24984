import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RpcError } from "@gantry/ipc";
import { test } from "tap";
import type { UnderTest } from "./engine-under-test.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { deaf } = await import("./scripts.ts");
const { waitFor } = await import("@gantry/testkit");

/** Runs a container that ignores SIGTERM. */
async function startDeaf(engine: UnderTest, host: Parameters<UnderTest["create"]>[1] = {}): Promise<string> {
  const Id = await engine.create(deaf, host);
  const stream = engine.client.open("containerAttach", { Id, Stdin: false, Stdout: true, Stderr: true });
  stream.result.catch(() => {});
  for await (const { value, blobs } of stream.items) {
    if ("attached" in value) await engine.client.call("containerStart", { Id });
    if (Buffer.concat(blobs as Buffer[]).includes("ready")) break;
  }
  return Id;
}

/** Resolves when the stand-in has been asked for a method. */
function called({ standIn }: UnderTest, method: string): Promise<void> {
  return new Promise((resolve) => {
    standIn.hooks.set(method, async () => resolve());
  });
}

test("a container that was being stopped when its engine ended is not restarted by policy", async (t) => {
  await using engine = await engineUnderTest();
  for (const stop of ["containerStop", "containerKill"] as const) {
    const Id = await startDeaf(engine, { RestartPolicy: { Name: "always" } });
    const { Pid } = (await engine.inspect(Id)).State;
    const signalled = called(engine, "tasks.kill");
    engine.client.call(stop, { Id, Timeout: -1, Signal: "TERM" }, { timeoutMs: 0 }).catch(() => {});
    await signalled;
    await engine.restart();
    process.kill(-Pid, "SIGKILL");
    await waitFor(async () => (await engine.inspect(Id)).State.Status === "exited");
    t.match((await engine.inspect(Id)).State, { Status: "exited", ExitCode: 137 }, stop);
    await engine.client.call("containerRemove", { Id });
  }
});

test("a container that outlived a shutdown is restarted by policy as before", async (t) => {
  await using engine = await engineUnderTest();
  const Id = await startDeaf(engine, { RestartPolicy: { Name: "always" } });
  const { Pid } = (await engine.inspect(Id)).State;
  await engine.restart(async () => {
    const database = new DatabaseSync(join(engine.root, "engine.db"));
    database.exec("UPDATE containers SET document = json_set(document, '$.endReason', 'shutdown')");
    database.close();
  });
  process.kill(-Pid, "SIGKILL");
  const { RestartCount } = await waitFor(async () => {
    const inspected = await engine.inspect(Id);
    return inspected.State.Status === "running" && inspected.State.Pid !== Pid ? inspected : undefined;
  });
  t.equal(RestartCount, 1);
});

test("a restart that was under way when its engine ended is finished by the next one", async (t) => {
  await using engine = await engineUnderTest();
  const Id = await startDeaf(engine, { AutoRemove: true });
  const { Pid } = (await engine.inspect(Id)).State;
  const signalled = called(engine, "tasks.kill");
  engine.client.call("containerRestart", { Id, Timeout: -1 }, { timeoutMs: 0 }).catch(() => {});
  await signalled;
  await engine.restart(async () => {
    process.kill(-Pid, "SIGKILL");
    await waitFor(() => !existsSync(`/proc/${Pid}`));
  });
  await waitFor(async () => (await engine.inspect(Id)).State.Status === "running");
  t.not((await engine.inspect(Id)).State.Pid, Pid);
});

test("a removal that was under way when its engine ended is finished by the next one", async (t) => {
  await using engine = await engineUnderTest();
  for (const Id of [await startDeaf(engine), await engine.create("true")]) {
    const blocked = new Promise<void>((resolve) => {
      engine.standIn.hooks.set("snapshots.remove", () => {
        resolve();
        return new Promise(() => {});
      });
    });
    engine.client.call("containerRemove", { Id, Force: true }, { timeoutMs: 0 }).catch(() => {});
    await blocked;
    t.equal((await engine.inspect(Id)).State.Status, "removing");
    await engine.restart(async () => {
      engine.standIn.hooks.clear();
    });
    await waitFor(() => !engine.standIn.snapshots.has(Id));
    await waitFor(() =>
      engine.inspect(Id).then(
        () => false,
        () => true,
      ),
    );
  }
});

test("a reconciliation that fails after a reconnect is retried", async (t) => {
  await using engine = await engineUnderTest();
  const Id = await startDeaf(engine);
  const { Pid } = (await engine.inspect(Id)).State;
  let failures = 0;
  engine.standIn.hooks.set("tasks.get", async () => {
    if (++failures <= 2) throw new RpcError("Internal", "injected");
  });
  await engine.standIn.stop();
  process.kill(-Pid, "SIGKILL");
  await waitFor(() => !existsSync(`/proc/${Pid}`));
  await engine.standIn.restart();
  await waitFor(async () => (await engine.inspect(Id)).State.Status === "exited");
  t.ok(failures > 2);
});

test("a snapshot that appears after its create has failed is removed", async (t) => {
  await using engine = await engineUnderTest();
  const { standIn } = engine;
  standIn.hooks.set("snapshots.prepare", async (request) => {
    const key = String(request["key"]);
    standIn.snapshots.set(key, { key, labels: { "gantry.container": key } });
    standIn.hooks.delete("snapshots.prepare");
    void standIn.stop();
    await new Promise(() => {});
  });
  await t.rejects(engine.create("true"), { code: "Unavailable" });
  t.equal(standIn.snapshots.size, 1);
  await standIn.restart();
  await waitFor(() => standIn.snapshots.size === 0);
});
