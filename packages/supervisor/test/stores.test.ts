import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "@gantry/oci-spec";
import { before, t as tap, test } from "tap";
import { textOf } from "./support/container.ts";
import { type Stack, startStack } from "./support/stack.ts";

const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let stack: Stack;
const namespace = "one";
const bytes = Buffer.from("some content");
const digest = digestOf(bytes);

before(async () => {
  stack = scope.use(await startStack({ standby: 0 }));
});

async function write(into: string, content: Uint8Array, expected: string): Promise<unknown> {
  const stream = stack.client.open("content.write", { namespace: into, digest: expected, labels: { a: "b" } });
  await stream.send({}, content).catch(() => {});
  stream.end();
  return await stream.result;
}

test("content is stored once, seen only where it was put, and checked", async (t) => {
  const { client } = stack;
  t.match(await write(namespace, bytes, digest), { digest, size: bytes.length, labels: { a: "b" } });
  await t.rejects(write(namespace, Buffer.from("other"), `sha256:${"1".repeat(64)}`), {
    code: "InvalidArgument",
    message: /wrong digest/,
  });
  await t.rejects(client.call("content.info", { namespace: "two", digest }), { code: "NotFound" });
  await write("two", bytes, digest);
  t.equal(readdirSync(join(stack.root, "blobs/sha256")).length, 1);
  t.strictSame(readdirSync(join(stack.root, "ingest")), []);
  const part = client.open("content.read", { namespace, digest, offset: 5, length: 4 });
  t.equal(await textOf(part.items), "cont");
  await client.call("content.delete", { namespace, digest });
  t.equal(await textOf(client.open("content.read", { namespace: "two", digest }).items), "some content");
  await client.call("content.delete", { namespace: "two", digest });
  t.strictSame(readdirSync(join(stack.root, "blobs/sha256")), []);
});

test("namespaces are created, labelled, and removed when empty", async (t) => {
  const { client } = stack;
  await client.call("namespaces.create", { name: "three", labels: { a: "1", b: "2" } });
  await t.rejects(client.call("namespaces.create", { name: "three", labels: {} }), { code: "AlreadyExists" });
  await client.call("namespaces.label", { name: "three", labels: { a: "", c: "3" } });
  const { namespaces } = await client.call("namespaces.list", {});
  t.strictSame(namespaces.find(({ name }) => name === "three")?.labels, { b: "2", c: "3" });
  await write("three", bytes, digest);
  await t.rejects(client.call("namespaces.delete", { name: "three" }), {
    code: "FailedPrecondition",
    message: /it has 1 blobs/,
  });
  await client.call("content.delete", { namespace: "three", digest });
  await client.call("namespaces.delete", { name: "three" });
  await t.rejects(client.call("namespaces.delete", { name: "three" }), { code: "NotFound" });
});

/** Mounts in a mount namespace of its own and runs a shell command there. */
function inMounts(
  mounts: readonly { type: string; source: string; options: readonly string[] }[],
  command: string,
): string {
  const target = join(stack.state, "mnt");
  mkdirSync(target, { recursive: true });
  const lines = mounts.map(({ type, source, options }) =>
    type === "bind"
      ? `mount --${options[0]} ${source} ${target} && mount -o remount,bind,${options[1]} ${target}`
      : `mount -t ${type} -o ${options.join(",")} ${source} ${target}`,
  );
  const script = `mount --make-rprivate / && ${lines.join(" && ")} && cd ${target} && ${command}`;
  return execFileSync("unshare", ["-m", "sh", "-ec", script], { encoding: "utf8" });
}

test("snapshots lie on one another, and views cannot be written", async (t) => {
  const { client } = stack;
  const base = await client.call("snapshots.prepare", { namespace, key: "p1", parent: "" });
  inMounts(base.mounts, "echo one > a; echo two > b; chmod 711 .");
  await client.call("snapshots.commit", { namespace, key: "p1", name: "first" });
  const second = await client.call("snapshots.prepare", { namespace, key: "p2", parent: "first" });
  t.equal(inMounts(second.mounts, "rm b; echo three > a; cat a; stat -c %a ."), "three\n755\n");
  await t.rejects(client.call("snapshots.prepare", { namespace, key: "bad", parent: "p2" }), {
    code: "FailedPrecondition",
  });
  await client.call("snapshots.commit", { namespace, key: "p2", name: "second" });
  for (const [parent, listing] of [
    ["first", "a\nb\n"],
    ["second", "a\n"],
  ] as const) {
    const view = await client.call("snapshots.view", { namespace, key: "v", parent });
    t.equal(inMounts(view.mounts, "ls; ! touch x 2>/dev/null"), listing);
    await client.call("snapshots.remove", { namespace, key: "v" });
  }
  t.match(await client.call("snapshots.stat", { namespace, key: "second" }), { kind: "committed", parent: "first" });
  t.ok((await client.call("snapshots.usage", { namespace, key: "second" })).inodes >= 2);
  await t.rejects(client.call("snapshots.remove", { namespace, key: "first" }), {
    code: "FailedPrecondition",
    message: /first is the parent of second/,
  });
  await t.rejects(client.call("snapshots.stat", { namespace: "two", key: "first" }), { code: "NotFound" });
  await client.call("snapshots.remove", { namespace, key: "second" });
  await client.call("snapshots.remove", { namespace, key: "first" });
});

test("unfinished objects of a killed supervisor are removed at the next start", async (t) => {
  writeFileSync(join(stack.root, "ingest/left"), "x");
  writeFileSync(join(stack.root, "blobs/sha256", "2".repeat(64)), "x");
  mkdirSync(join(stack.root, "snapshots/999/fs"), { recursive: true });
  await stack.restart();
  t.strictSame(readdirSync(join(stack.root, "ingest")), []);
  t.strictSame(readdirSync(join(stack.root, "blobs/sha256")), []);
  t.notOk(readdirSync(join(stack.root, "snapshots")).includes("999"));
});
