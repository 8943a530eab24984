import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { requestShutdown } = await import("../src/request-shutdown.ts");
const { run } = await import("@gantry/testkit");

test("a shutdown stops containers and takes bridges, rules and namespaces away; containers are kept", async (t) => {
  await using engine = await engineUnderTest({ iptables: true });
  const id = await engine.create("trap 'exit 3' TERM; while :; do sleep 0.01; done", { NetworkMode: "bridge" });
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
