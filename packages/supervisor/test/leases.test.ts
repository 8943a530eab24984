import { readdirSync } from "node:fs";
import { join } from "node:path";
import { formatPlatform, hostPlatform } from "@gantry/oci-spec";
import { busyboxArchive, tempDir, waitFor } from "@gantry/testkit";
import { before, t as tap, test } from "tap";
import { busybox, load, namespace, sendFile } from "./support/container.ts";
import { writeContent } from "./support/content.ts";
import { type Stack, startStack } from "./support/stack.ts";

const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let stack: Stack;
let archive: string;

before(async () => {
  stack = scope.use(await startStack({ standby: 0 }));
  archive = await busyboxArchive(scope.use(tempDir("leases")).path);
});

const digests = async (filters: string[] = []) =>
  (await stack.client.call("content.list", { namespace, filters })).blobs.map(({ digest }) => digest);
const snapshotKeys = async () =>
  (await stack.client.call("snapshots.list", { namespace })).snapshots.map(({ key }) => key);
const collect = async () => await stack.client.call("gc.run", { namespace });

test("a lease keeps content until it is deleted", async (t) => {
  const { client } = stack;
  const lease = await client.call("leases.create", { namespace, labels: { a: "b" } });
  t.match(lease.id, /^\d+-[0-9a-f]{8}$/);
  await client.call("leases.create", { namespace, id: "other" });
  await t.rejects(client.call("leases.create", { namespace, id: "other" }), { code: "AlreadyExists" });
  const { leases } = await client.call("leases.list", { namespace, filters: ["labels.a==b"] });
  t.strictSame(leases, [lease]);
  const digest = await writeContent(stack, namespace, Buffer.from("leased"), { lease: lease.id });
  const kept = await writeContent(stack, namespace, Buffer.from("nobody's lease"));
  const { id } = lease;
  t.strictSame((await client.call("leases.listResources", { namespace, id })).resources, [
    { type: "content", id: digest },
  ]);
  t.strictSame((await collect()).content, []);
  const resource = { type: "content", id: digest };
  await client.call("leases.addResource", { namespace, id: "other", resource });
  await client.call("leases.delete", { namespace, id, sync: true });
  t.ok((await digests()).includes(digest), "the other lease keeps it");
  await client.call("leases.deleteResource", { namespace, id: "other", resource });
  await t.rejects(client.call("leases.deleteResource", { namespace, id: "other", resource }), { code: "NotFound" });
  await waitFor(async () => !(await digests()).includes(digest), { what: "the collection after it" });
  t.ok((await digests()).includes(kept), "what was written without a lease is its writer's");
  await client.call("leases.delete", { namespace, id: "other" });
  await t.rejects(client.call("leases.delete", { namespace, id: "other" }), { code: "NotFound" });
  await t.rejects(writeContent(stack, namespace, Buffer.from("x"), { lease: "none" }), { code: "NotFound" });
  await client.call("content.delete", { namespace, digest: kept });
});

test("a lease ends by itself at its time", async (t) => {
  const { client } = stack;
  const expire = (text: string) =>
    client.call("leases.create", { namespace, id: "short", labels: { "containerd.io/gc.expire": text } });
  await t.rejects(expire("soon"), { code: "InvalidArgument", message: /must be a time/ });
  await t.rejects(expire("2001-01-01T00:00:00Z"), { code: "InvalidArgument", message: /has passed/ });
  await expire(new Date(Date.now() + 2000).toISOString());
  const digest = await writeContent(stack, namespace, Buffer.from("short"), { lease: "short" });
  await waitFor(async () => !(await digests()).includes(digest), { what: "its end" });
  t.strictSame((await client.call("leases.list", { namespace })).leases, []);
});

test("labels keep content and snapshots, and lead from one to the other", async (t) => {
  const { client } = stack;
  const lease = (await client.call("leases.create", { namespace })).id;
  const put = (text: string, labels = {}) => writeContent(stack, namespace, Buffer.from(text), { lease, labels });
  const leaf = await put("leaf");
  const flat = await put("flat");
  const lost = await put("lost");
  for (const key of ["base", "loose"]) await client.call("snapshots.prepare", { namespace, key, parent: "", lease });
  await client.call("snapshots.commit", { namespace, key: "base", name: "committed", lease });
  const middle = await put("middle", {
    "containerd.io/gc.ref.content.0": leaf,
    "containerd.io/gc.ref.snapshot.overlayfs": "committed",
  });
  const root = await put("root", { "containerd.io/gc.root": "yes", "containerd.io/gc.ref.content": middle });
  const flatLease = { id: "flat", labels: { "containerd.io/gc.flat": "yes" } };
  await client.call("leases.create", { namespace, ...flatLease });
  await client.call("content.label", { namespace, digest: flat, labels: { "containerd.io/gc.ref.content.x": lost } });
  await client.call("leases.addResource", { namespace, id: "flat", resource: { type: "content", id: flat } });
  await client.call("leases.delete", { namespace, id: lease, sync: true });
  t.strictSame((await digests()).sort(), [leaf, flat, middle, root].sort());
  t.strictSame(await snapshotKeys(), ["committed"]);
  await client.call("content.label", { namespace, digest: root, labels: { "containerd.io/gc.root": "" } });
  await waitFor(async () => (await snapshotKeys()).length === 0, { what: "the collection" });
  await client.call("leases.delete", { namespace, id: "flat", sync: true });
  t.strictSame(await digests(), []);
});

test("a leased snapshot is kept by its container", async (t) => {
  const { client } = stack;
  const lease = (await client.call("leases.create", { namespace })).id;
  await client.call("snapshots.prepare", { namespace, key: "rootfs", parent: "", lease });
  const container = { id: "user", image: "", labels: {}, spec: {}, snapshotKey: "rootfs", user: "" };
  await client.call("containers.create", { namespace, ...container });
  await client.call("leases.delete", { namespace, id: lease, sync: true });
  t.strictSame(await snapshotKeys(), ["rootfs"]);
  await client.call("containers.delete", { namespace, id: "user" });
  t.strictSame((await collect()).snapshots, [{ snapshotter: "overlayfs", key: "rootfs" }]);
  t.strictSame(await snapshotKeys(), []);
});

test("an image's content is removed with it, unless a lease keeps it", async (t) => {
  const { client } = stack;
  const lease = (await client.call("leases.create", { namespace })).id;
  await sendFile(client.open("images.load", { namespace, lease }), archive);
  const { length } = await digests();
  t.ok(length >= 3);
  t.strictSame((await client.call("images.delete", { namespace, name: busybox })).removed, []);
  t.equal((await digests()).length, length);
  t.equal((await snapshotKeys()).length, 1);
  await client.call("leases.delete", { namespace, id: lease, sync: true });
  t.strictSame(await digests(), []);
  t.strictSame(await snapshotKeys(), []);
  await load(stack, archive);
  const { removed } = await client.call("images.delete", { namespace, name: busybox });
  t.equal(removed.length, length);
  t.strictSame(readdirSync(join(stack.root, "blobs/sha256")), []);
});

test("plugins, and who the server is", async (t) => {
  const { client } = stack;
  const { plugins } = await client.call("introspection.plugins", {});
  const find = (type: string, id: string) => plugins.find((plugin) => plugin.type === type && plugin.id === id);
  t.match(find("io.containerd.snapshotter.v1", "overlayfs"), { platforms: [formatPlatform(hostPlatform())] });
  t.match(find("io.containerd.content.v1", "content"), { exports: { root: join(stack.root, "blobs") } });
  t.ok(find("io.containerd.gc.v1", "scheduler"));
  t.ok(find("io.containerd.service.v1", "leases-service"));
  const { plugins: some } = await client.call("introspection.plugins", { filters: ["type~=snapshotter,id==native"] });
  t.equal(some.length, 1);
  const server = await client.call("introspection.server", {});
  t.equal(server.pid, stack.supervisor.pid);
  await stack.restart();
  t.equal((await client.call("introspection.server", {})).uuid, server.uuid);
});
