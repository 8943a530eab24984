import { test } from "tap";
import { ForeignPeer } from "../../packages/ipc/test/foreign-peer.ts";
import { startStack } from "../support/stack.ts";

test("a program that shares none of our code uses the engine", async (t) => {
  await using stack = await startStack();
  const peer = new ForeignPeer(stack.host);
  t.teardown(() => peer.close());
  const { reply: version } = await peer.call("version", {});
  t.type((version as { ApiVersion: string }).ApiVersion, "string");
  const config = { Name: "foreign", Config: { Image: "busybox", Cmd: ["sh", "-c", "echo said; exit 5"] } };
  const { Id } = (await peer.call("containerCreate", config)).reply as { Id: string };
  const attached = peer.open("containerAttach", { Id, Stdin: false, Stdout: true, Stderr: true });
  await peer.call("containerStart", { Id });
  const { items, reply } = await attached.answer;
  t.match(reply, { ExitCode: 5 });
  t.equal(Buffer.concat(items.flatMap((item) => item.blobs)).toString(), "said\n");
  t.match((await peer.call("containerWait", { Id })).reply, { StatusCode: 5 });
  t.match((await peer.call("containerStart", { Id: 7 })).error, { code: "InvalidArgument", message: /Id/ });
  t.match((await peer.call("noSuchMethod", {})).error, { code: "Unimplemented" });
  await peer.send([Buffer.from("not msgpack at all"), Buffer.alloc(1000, 0xc1)]);
  await peer.call("containerRemove", { Id });
  t.notOk((await peer.call("ping", {})).error, "the engine lives on");
});
