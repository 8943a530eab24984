import type { Test } from "tap";
import { test } from "tap";
import { connect, relay, serve } from "../src/index.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { failure, pair } from "./suite.ts";
import { newProbe, suiteContract, suiteHandlers } from "./suite-contract.ts";
import { until } from "./until.ts";

const transport = ipcTransport();

/** A server that passes every stream on to another one, as a supervisor does for its shims. */
async function relayed(t: Test) {
  const upstream = await pair(t, transport);
  const own = newProbe();
  const server = await serve(
    suiteContract,
    {
      ...suiteHandlers(own),
      cat: (request, context) => relay(context, upstream.client.open("cat", request)),
      fill: (request, context) => relay(context, upstream.client.open("fill", request)),
      count: (request, context) => relay(context, upstream.client.open("count", request)),
      breakOff: (request, context) => relay(context, upstream.client.open("breakOff", request)),
      badItem: (request, context) => relay(context, upstream.client.open("badItem", request)),
    },
    { endpoint: transport.endpoint() },
  );
  const client = connect(suiteContract, { endpoint: server.endpoint });
  t.teardown(async () => {
    client.close();
    await server.close({ deadlineMs: 0 });
  });
  return { client, upstream };
}

test("items, blobs, half-close and the reply pass through in both directions", async (t) => {
  const { client } = await relayed(t);
  const stream = client.open("cat", { text: "end" });
  const blob = Buffer.alloc(100_000, "gantry");
  const sending = (async () => {
    for (let n = 0; n < 300; n++) await stream.send({ n }, blob);
    stream.end();
  })();
  let n = 0;
  for await (const { value, blobs } of stream.items) {
    if (value.n !== n || !blob.equals(blobs[0] ?? Buffer.alloc(0))) t.fail(`item ${n} differs`);
    n += 1;
  }
  await sending;
  t.equal(n, 300);
  t.same(await stream.result, { text: "end" });
  const count = client.open("count", { n: 500 });
  let items = 0;
  for await (const _ of count.items) items += 1;
  t.equal(items, 500);
});

test("errors keep their code on the way, and come after the items", async (t) => {
  const { client } = await relayed(t);
  const stream = client.open("breakOff", { n: 2 });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { value } of stream.items) seen.push(value.n);
  })();
  t.match(await failure(reading), { code: "ResourceExhausted", message: "that was all", data: { n: 2 } });
  t.same(seen, [1, 2]);
  const bad = client.open("badItem", { n: 0 });
  await bad.send({ n: "x" as unknown as number });
  t.match(await failure(bad.result), { code: "InvalidArgument", message: /^n: must be number/ });
});

test("a slow reader slows the writer at the other end, and leaving aborts it", async (t) => {
  const { client, upstream } = await relayed(t);
  const stream = client.open("fill", { size: 100_000 });
  // A window on each line, of which the second returns its credit by halves.
  const [least, most] = [11 + 6, 11 + 11 + 2];
  await until(() => upstream.probe.sent >= least - 1);
  for (let i = 0; i < 20; i++) await upstream.client.call("echo", i);
  t.ok(upstream.probe.sent <= most, `${upstream.probe.sent} items are under way on both lines`);
  let n = 0;
  for await (const { value } of stream.items) {
    if (value.n !== n) t.fail(`item ${n} differs`);
    n += 1;
    if (n === 100) break;
  }
  await until(() => upstream.probe.aborted.has("fill"));
});

test("when the upstream goes away, the caller gets an error", async (t) => {
  const { client, upstream } = await relayed(t);
  const stream = client.open("cat", { text: "a" });
  await stream.send({ n: 1 });
  await stream.items[Symbol.asyncIterator]().next();
  await upstream.server.close({ deadlineMs: 0 });
  t.equal((await failure(stream.result)).code, "Unavailable");
});
