import { test } from "tap";
import { ForeignPeer } from "./foreign-peer.ts";
import { ipcTransport } from "./ipc-transport.ts";
import { pair } from "./suite.ts";
import { until } from "./until.ts";

const transport = ipcTransport();

test("a peer with none of our code calls, streams, and cancels", async (t) => {
  const { server, probe } = await pair(t, transport);
  const peer = new ForeignPeer(server.endpoint);
  t.teardown(() => peer.close());
  t.same((await peer.call("echo", { a: [1, "x", null, true] })).reply, { a: [1, "x", null, true] });
  t.same((await peer.call("blobSizes", {}, [Buffer.alloc(3)])).reply, { sizes: [3] });
  t.match(await peer.call("create", { name: "a", HostConfig: { Memory: "b" } }), {
    error: { code: "InvalidArgument", data: { path: "HostConfig.Memory" } },
  });
  t.match(await peer.call("nothing", {}), { error: { code: "Unimplemented" } });

  const count = await peer.call("count", { n: 200 });
  t.equal(count.items.length, 200);
  t.same(count.reply, { n: 200 });

  const cat = peer.open("cat", { text: "bye" });
  cat.send({ n: 1 }, Buffer.from("raw"));
  cat.send({ n: 2 });
  cat.end();
  const { items, reply } = await cat.answer;
  t.same(reply, { text: "bye" });
  t.same(
    items.map(({ value }) => value),
    [{ n: 1 }, { n: 2 }],
  );
  t.equal(String(items[0]?.blobs[0]), "raw");

  const fill = peer.open("fill", { size: 10 });
  await until(() => probe.sent > 0);
  fill.cancel();
  await until(() => probe.aborted.has("fill"));
});
