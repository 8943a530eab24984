import { test } from "tap";
import { curveKeyPair } from "zeromq";
import { connect, serve } from "../src/index.ts";
import { failure } from "./suite.ts";
import { newProbe, suiteContract, suiteHandlers } from "./suite-contract.ts";

test("tcp is for clients whose key is on the list", async (t) => {
  const [keys, friend, stranger] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
  const server = await serve(suiteContract, suiteHandlers(newProbe()), {
    endpoint: "tcp://127.0.0.1:*",
    curve: { ...keys, allow: [friend.publicKey] },
  });
  const as = (own: typeof friend, serverKey = keys.publicKey) => {
    const { endpoint } = server;
    const client = connect(suiteContract, { endpoint, curve: { serverKey, ...own }, connectTimeoutMs: 300 });
    t.teardown(() => client.close());
    return client;
  };
  t.teardown(() => server.close({ deadlineMs: 0 }));
  t.equal(await as(friend).call("echo", "hello"), "hello");
  t.equal((await failure(as(stranger).call("echo", "hello"))).code, "Unavailable");
  t.equal((await failure(as(friend, stranger.publicKey).call("echo", "hello"))).code, "Unavailable");
  t.equal(await as(friend).call("echo", "still"), "still");
});
