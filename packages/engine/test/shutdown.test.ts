import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { exitsOnTerm, forever } = await import("./scripts.ts");
const { requestShutdown } = await import("../src/request-shutdown.ts");
const { run, waitFor } = await import("@gantry/testkit");

test("a shutdown stops containers and takes bridges, rules and namespaces away; containers are kept", async (t) => {
  await using engine = await engineUnderTest({ iptables: true });
  const id = await engine.create(exitsOnTerm(3), { NetworkMode: "bridge" });
  await engine.client.call("networkCreate", { Name: "back" });
  await engine.client.call("containerStart", { Id: id });
  const down = requestShutdown(`ipc://${engine.state}/engine.sock`);
  await engine.ended();
  await engine.restart(async () => {
    await down;
    t.notMatch((await run("ip", ["-br", "link"])).stdout, /gantry0|br-|veth/);
    t.notMatch((await run("iptables-save")).stdout, /GANTRY/);
    t.notOk(existsSync(join(engine.state, "netns")));
  });
  t.match((await engine.inspect(id)).State, { Status: "exited", ExitCode: 3 });
  const links = (await run("ip", ["-br", "link"])).stdout;
  t.ok(links.includes("gantry0") && links.includes("br-"), "the next engine has them again");
});

test("a shutdown refuses starts, creates and execs, and waits for a start that is under way", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn } = engine;
  const running = await engine.create(forever);
  await client.call("containerStart", { Id: running });
  const Id = await engine.create(forever, { NetworkMode: "bridge" });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const creating = new Promise<void>((resolve) => {
    standIn.hooks.set("tasks.create", () => {
      resolve();
      return released;
    });
  });
  const starting = client.call("containerStart", { Id });
  await creating;
  const down = requestShutdown(`ipc://${engine.state}/engine.sock`);
  const refused = { code: "FailedPrecondition", message: "daemon is shutting down" };
  await waitFor(() =>
    client.call("containerStart", { Id: running }).then(
      () => false,
      () => true,
    ),
  );
  await t.rejects(client.call("containerStart", { Id: running }), refused);
  await t.rejects(client.call("containerRestart", { Id: running }), refused);
  await t.rejects(engine.create("true"), refused);
  await t.rejects(client.call("execCreate", { Id: running, Cmd: ["true"] }), refused);
  t.ok((await run("ip", ["-br", "link"])).stdout.includes("gantry0"), "the bridge stays for the start");
  t.match((await engine.inspect(running)).State.Status, "running");
  release();
  await starting;
  await engine.ended();
  await engine.restart(async () => {
    await down;
    t.same(standIn.tasks(), []);
  });
  t.equal((await engine.inspect(Id)).State.Status, "exited");
});
