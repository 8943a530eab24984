import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { attachTo, finish, startShim } from "./support/shim.ts";

test("several clients get the same output; stdin comes from one of them; a disconnect does not disturb the rest", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["cat"] }, { stdin: true });
  const writer = attachTo(shim.client, { stdin: true });
  const reader = attachTo(shim.connect());
  const leaving = attachTo(shim.connect());
  await shim.client.call("start", {});
  await writer.send("one\n");
  for (const each of [writer, reader, leaving]) await waitFor(() => each.stdout().toString() === "one\n");
  leaving.cancel();
  await writer.send("two\n");
  await writer.closeStdin();
  t.same(await writer.result, { exitStatus: 0 });
  t.same(await reader.result, { exitStatus: 0 });
  for (const each of [writer, reader]) t.equal(each.stdout().toString(), "one\ntwo\n");
  await finish(shim);
});

test("a client that does not read, in non-blocking mode: the process continues, others get everything", async (t) => {
  await using shim = await startShim();
  await shim.create({ args: ["sh", "-c", "yes 0123456789abcde | head -c 20000000"] });
  const stuck = shim.connect().open("attach", {
    ...{ stdin: false, stdout: true, stderr: true },
    ...{ mode: "non-blocking", maxBufferSize: 65_536 },
  });
  stuck.result.catch(() => undefined);
  const other = attachTo(shim.client);
  await shim.client.call("start", {});
  t.same(await other.result, { exitStatus: 0 });
  t.equal(other.stdout().length, 20_000_000);
  let bytes = 0;
  for await (const { blobs } of stuck.items) for (const blob of blobs) bytes += blob.length;
  t.ok(bytes > 0 && bytes < 20_000_000, `${bytes} bytes of it`);
  await finish(shim);
});
