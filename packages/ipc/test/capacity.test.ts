import { type Test, test } from "tap";
import { type Client, connect, expectConnections } from "../src/index.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { pair } from "./suite.ts";
import { suiteContract } from "./suite-contract.ts";

const transport = ipcTransport();

test("a process can be the client of as many servers as it expects", async (t: Test) => {
  await expectConnections(600);
  const { server } = await pair(t, transport);
  const clients: Client<typeof suiteContract.methods>[] = [];
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  for (let count = 0; count < 500; count++) clients.push(connect(suiteContract, { endpoint: server.endpoint }));
  const answers = await Promise.all(clients.map((client, at) => client.call("echo", at)));
  t.same(answers, [...clients.keys()]);
});
