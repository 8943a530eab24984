import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { jsProgram, nodeProgram } from "@gantry/testkit";
import { type Test, test } from "tap";
import { connect, isRpcError, serve } from "../src/index.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { failure, pair } from "./suite.ts";
import { newProbe, suiteContract, suiteHandlers } from "./suite-contract.ts";
import { until } from "./until.ts";

const transport = ipcTransport();

function child(t: Test, fixture: string, endpoint: string): ChildProcess {
  const process_ = spawn(
    fixture === "suite-client.ts" ? jsProgram : nodeProgram,
    [join(import.meta.dirname, "fixtures", fixture), endpoint],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.teardown(() => process_.kill("SIGKILL"));
  return process_;
}

test("a client that is killed aborts its handlers", async (t) => {
  const { server, probe } = await pair(t, transport);
  const client = child(t, "suite-client.ts", server.endpoint);
  await until(() => probe.hanging.has("from a child") && probe.sent > 0);
  client.kill("SIGKILL");
  const killed = Date.now();
  await until(() => probe.aborted.has("from a child") && probe.aborted.has("fill"));
  t.ok(Date.now() - killed < 2000, "at once, not at the next round");
  t.ok(isRpcError(probe.aborted.get("from a child"), "Cancelled"));
});

test("a server that is killed fails what is pending at once, and may be started again", async (t) => {
  const endpoint = transport.endpoint();
  const first = child(t, "suite-server.ts", endpoint);
  await once(first.stdout ?? first, "data");
  const lost = Promise.withResolvers<void>();
  const client = connect(suiteContract, { endpoint, onDisconnect: lost.resolve });
  t.teardown(() => client.close());
  const stream = client.open("cat", { text: "a" });
  await stream.send({ n: 1 });
  await stream.items[Symbol.asyncIterator]().next();
  const call = failure(client.call("hang", { text: "a" }, { timeoutMs: 0 }));
  first.kill("SIGKILL");
  t.equal((await call).code, "Unavailable");
  t.equal((await failure(stream.result)).code, "Unavailable");
  t.equal((await failure(stream.send({ n: 2 }))).code, "Unavailable");
  await lost.promise;
  const second = child(t, "suite-server.ts", endpoint);
  await once(second.stdout ?? second, "data");
  t.equal(await client.call("echo", "again"), "again", "the file that the first one left is no obstacle");
});

test("a server may be started after its clients", async (t) => {
  const endpoint = transport.endpoint();
  const client = connect(suiteContract, { endpoint });
  t.teardown(() => client.close());
  const early = client.call("echo", "early");
  const withdrawn = new AbortController();
  const never = failure(client.call("hang", { text: "withdrawn" }, { signal: withdrawn.signal }));
  withdrawn.abort();
  t.equal((await never).code, "Cancelled");
  const probe = newProbe();
  const server = await serve(suiteContract, suiteHandlers(probe), { endpoint });
  t.teardown(() => server.close({ deadlineMs: 0 }));
  t.equal(await early, "early");
  t.notOk(probe.hanging.has("withdrawn"), "a call that was withdrawn before it left is not made");
});

test("a server that is not there", async (t) => {
  const endpoint = transport.endpoint();
  const patient = connect(suiteContract, { endpoint, connectTimeoutMs: 50 });
  const impatient = connect(suiteContract, { endpoint, connectTimeoutMs: 0 });
  t.teardown(() => {
    patient.close();
    impatient.close();
  });
  const started = Date.now();
  t.equal((await failure(impatient.call("echo", 1))).code, "Unavailable");
  t.ok(Date.now() - started < 1000);
  t.match(await failure(patient.call("echo", 1)), { code: "Unavailable", message: /within 50 ms/ });
  const stream = patient.open("count", { n: 1 });
  t.equal((await failure(stream.result)).code, "Unavailable");
});

test("messages of a server that has ended are received, by a busy client too", async (t) => {
  const endpoint = transport.endpoint();
  const server = child(t, "suite-server.ts", endpoint);
  await once(server.stdout ?? server, "data");
  const client = connect(suiteContract, { endpoint });
  t.teardown(() => client.close());
  const calls = Array.from({ length: 2000 }, (_, n) =>
    failure(client.call("hang", { text: `${n}` }, { timeoutMs: 0 })),
  );
  await client.call("echo", "all of them have arrived");
  server.kill("SIGTERM");
  // The replies and the end of the connection are both there when this thread looks again.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const unheard = (await Promise.all(calls)).filter(({ message }) => !message.endsWith("is closing"));
  t.same(unheard, []);
});
