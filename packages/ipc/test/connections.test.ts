import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { connect } from "../src/index.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { suiteContract } from "./suite-contract.ts";
import { until } from "./until.ts";

const transport = ipcTransport();
const descriptors = () => readdirSync("/proc/self/fd").length;

test("a connection whose server went away closes its descriptors, without a garbage collection", async (t) => {
  const server = join(import.meta.dirname, "fixtures", "suite-server.ts");
  const cycle = async () => {
    const endpoint = transport.endpoint();
    const child = spawn(process.execPath, [server, endpoint], { stdio: ["ignore", "pipe", "inherit"] });
    t.teardown(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    const lost = Promise.withResolvers<void>();
    const client = connect(suiteContract, { endpoint, onDisconnect: lost.resolve });
    await client.call("echo", 1);
    child.kill("SIGKILL");
    await Promise.all([lost.promise, once(child, "close")]);
    client.close();
  };
  await cycle();
  const before = descriptors();
  for (let round = 0; round < 5; round++) await cycle();
  await until(() => descriptors() <= before);
  t.pass("as many as before");
});
