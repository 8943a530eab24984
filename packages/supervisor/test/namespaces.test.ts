import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import { busyboxArchive, tempDir } from "@gantry/testkit";
import { before, t as tap, test } from "tap";
import { busybox, sendFile } from "./support/container.ts";
import { writeContent } from "./support/content.ts";
import { type Stack, startStack } from "./support/stack.ts";

const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let stack: Stack;

before(async () => {
  stack = scope.use(await startStack({ standby: 0 }));
});

test("namespaces are created, published, labelled, and removed when they are empty", async (t) => {
  const { client } = stack;
  const name = "made";
  await client.call("namespaces.create", { name, labels: { a: "1", b: "2" } });
  t.strictSame(await client.call("namespaces.get", { name }), { name, labels: { a: "1", b: "2" } });
  await t.rejects(client.call("namespaces.get", { name: "other" }), { code: "NotFound" });
  await t.rejects(client.call("namespaces.create", { name: "../x", labels: {} }), { code: "InvalidArgument" });
  await client.call("leases.create", { namespace: name, id: "goes-with-it" });
  const ingest = client.open("content.ingest", { namespace: name, ref: "r" });
  ingest.end();
  await ingest.result;
  await t.rejects(client.call("namespaces.delete", { name }), { code: "FailedPrecondition", message: /1 ingests/ });
  await client.call("content.abort", { namespace: name, ref: "r" });
  await client.call("namespaces.label", { name, labels: { a: "" } });
  await client.call("namespaces.delete", { name });
  await client.call("namespaces.create", { name, labels: {} });
  t.strictSame((await client.call("leases.list", { namespace: name })).leases, []);
  await client.call("namespaces.delete", { name });
});

test("a namespace does not see the objects of another one", async (t) => {
  const { client } = stack;
  await using directory = tempDir("namespaces");
  const archive = await busyboxArchive(directory.path);
  for (const namespace of ["red", "blue"]) {
    await sendFile(client.open("images.load", { namespace }), archive);
    await client.call("leases.create", { namespace, id: "same" });
    const { chainId } = await client.call("images.resolve", { namespace, name: busybox });
    await client.call("snapshots.prepare", { namespace, key: "same", parent: chainId });
    const spec = { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { args: ["true"], cwd: "/", user: {} } };
    const container = { id: "same", image: busybox, labels: { namespace }, spec, snapshotKey: "same", user: "" };
    await client.call("containers.create", { namespace, ...container });
  }
  const seen = async (namespace: string) => ({
    images: (await client.call("images.list", { namespace })).images.length,
    blobs: (await client.call("content.list", { namespace })).blobs.length,
    snapshots: (await client.call("snapshots.list", { namespace })).snapshots.map(({ key }) => key).sort(),
    containers: (await client.call("containers.list", { namespace })).containers.map(({ labels }) => labels.namespace),
    tasks: (await client.call("tasks.list", { namespace })).tasks.length,
    leases: (await client.call("leases.list", { namespace })).leases.map(({ id }) => id),
  });
  const blue = await seen("blue");
  t.strictSame(blue.containers, ["blue"]);
  await writeContent(stack, "red", Buffer.from("only red"), { lease: "same" });
  t.strictSame(await seen("blue"), blue);
  await client.call("containers.delete", { namespace: "red", id: "same" });
  await client.call("snapshots.remove", { namespace: "red", key: "same" });
  await client.call("images.delete", { namespace: "red", name: busybox });
  await client.call("leases.delete", { namespace: "red", id: "same", sync: true });
  const nothing = { images: 0, blobs: 0, snapshots: [], containers: [], tasks: 0, leases: [] };
  t.strictSame(await seen("red"), nothing);
  t.strictSame(await seen("blue"), blue, "the other one's are as they were");
  const check = client.open("content.check", { namespace: "blue" });
  t.strictSame(await check.result, { checked: blue.blobs, corrupt: [] });
  await client.call("namespaces.delete", { name: "red" });
  await t.rejects(client.call("namespaces.delete", { name: "blue" }), {
    message: /1 images, 1 containers, 2 snapshots, \d+ blobs/,
  });
});

test("events are filtered, and clients may publish their own", async (t) => {
  const { client } = stack;
  await client.call("events.publish", {
    namespace: "blue",
    topic: "/mine/published",
    id: "x",
    data: { depth: { at: 7 } },
  });
  await t.rejects(client.call("events.publish", { namespace: "blue", topic: "mine" }), { code: "InvalidArgument" });
  const matching = async (isLast: (at: number, event: SupervisorEvent) => boolean, ...filters: string[]) => {
    const found: SupervisorEvent[] = [];
    const stream = client.open("events.subscribe", { from: 1, filters });
    stream.result.catch(() => {}); // leaving it cancels it
    for await (const { value } of stream.items) if (isLast(found.push(value), value)) break;
    return found;
  };
  const all = await matching((_, { topic }) => topic === "/mine/published");
  const isDeletion = ({ topic, namespace }: SupervisorEvent) => topic === "/content/delete" && namespace === "red";
  const deletions = all.filter(isDeletion);
  t.ok(deletions.length >= 3);
  const red = await matching((count) => count === deletions.length, "topic==/content/delete,namespace==red");
  t.strictSame(red, deletions);
  const both = await matching((count) => count === 2, "event.id==same,namespace==blue,topic~=create", "event.id==x");
  t.strictSame(
    both.map(({ topic }) => topic),
    ["/containers/create", "/mine/published"],
  );
  const [mine] = await matching(() => true, "topic~=^/mine,event.depth.at==7");
  t.match(mine, { namespace: "blue", topic: "/mine/published", data: { depth: { at: 7 } } });
});
