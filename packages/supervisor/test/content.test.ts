import { randomBytes } from "node:crypto";
import { openSync, readdirSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "@gantry/oci-spec";
import { waitFor } from "@gantry/testkit";
import { before, t as tap, test } from "tap";
import { textOf } from "./support/container.ts";
import { writeContent } from "./support/content.ts";
import { type Stack, startStack } from "./support/stack.ts";

const scope = new AsyncDisposableStack();
tap.teardown(() => scope.disposeAsync());
let stack: Stack;
const namespace = "one";
const ref = "an ingest";

before(async () => {
  stack = scope.use(await startStack({ standby: 0 }));
});

interface Part {
  readonly ref: string;
  readonly offset?: number;
  readonly total?: number;
  readonly expected?: string;
}

async function ingest(part: Part, ...chunks: Uint8Array[]) {
  const stream = stack.client.open("content.ingest", { namespace, ...part });
  for (const chunk of chunks) await stream.send({}, chunk).catch(() => {});
  stream.end();
  return await stream.result;
}

test("an ingest is written in parts, listed, and committed once it is right", async (t) => {
  const { client } = stack;
  t.match(await ingest({ ref, total: 10 }, Buffer.from("hello")), { ref, offset: 5, total: 10 });
  await t.rejects(ingest({ ref, offset: 3 }, Buffer.from("x")), {
    code: "InvalidArgument",
    message: /has 5 bytes: it continues there, not at 3/,
  });
  await t.rejects(client.call("content.commit", { namespace, ref }), { code: "InvalidArgument", message: /10 bytes/ });
  await t.rejects(ingest({ ref, total: 11 }), { code: "InvalidArgument", message: /started for 10 bytes/ });
  await ingest({ ref, offset: 5 }, Buffer.from("world"));
  const { ingests } = await client.call("content.ingests", { namespace, filters: [`ref=="${ref}"`] });
  t.match(ingests, [{ ref, offset: 10, total: 10 }]);
  const wrong = digestOf(Buffer.from("else"));
  await t.rejects(client.call("content.commit", { namespace, ref, digest: wrong }), { message: /wrong digest/ });
  const digest = digestOf(Buffer.from("helloworld"));
  t.match(await client.call("content.commit", { namespace, ref, digest, labels: { a: "b" } }), { digest, size: 10 });
  t.equal(await textOf(client.open("content.read", { namespace, digest }).items), "helloworld");
  await t.rejects(client.call("content.status", { namespace, ref }), { code: "NotFound" });
  await t.rejects(ingest({ ref, expected: digest }), { code: "AlreadyExists" });
  t.strictSame(readdirSync(join(stack.root, "ingest")), []);
  await ingest({ ref }, Buffer.from("begun"));
  t.match(await ingest({ ref, offset: 0 }, Buffer.from("anew")), { offset: 4 });
  await client.call("content.abort", { namespace, ref });
  t.strictSame(readdirSync(join(stack.root, "ingest")), []);
  await client.call("content.delete", { namespace, digest });
});

test("an ingest is resumed after the supervisor was killed during a write", async (t) => {
  const bytes = randomBytes(3 << 20);
  const expected = digestOf(bytes);
  const stream = stack.client.open("content.ingest", { namespace, ref, total: bytes.length, expected });
  stream.result.catch(() => {});
  await stream.send({}, bytes.subarray(0, 1 << 20));
  const offset = async () => (await stack.client.call("content.status", { namespace, ref })).offset;
  await waitFor(async () => (await offset()) === 1 << 20, { what: "the first part" });
  await t.rejects(ingest({ ref }, Buffer.from("x")), { code: "Unavailable", message: /locked by another writer/ });
  await t.rejects(stack.client.call("content.abort", { namespace, ref }), { code: "Unavailable" });
  stack.supervisor.kill("SIGKILL");
  await stack.restart();
  t.equal(await offset(), 1 << 20);
  await ingest({ ref, offset: 1 << 20 }, bytes.subarray(1 << 20));
  t.match(await stack.client.call("content.commit", { namespace, ref }), { digest: expected });
  await stack.client.call("content.delete", { namespace, digest: expected });
});

test("corrupt blobs are found", async (t) => {
  const { client } = stack;
  const good = await writeContent(stack, namespace, Buffer.from("good content"));
  const bad = await writeContent(stack, namespace, Buffer.from("bad content"));
  const short = await writeContent(stack, namespace, Buffer.from("short content"));
  const fileOf = (digest: string) => join(stack.root, "blobs/sha256", digest.slice("sha256:".length));
  writeSync(openSync(fileOf(bad), "r+"), "B");
  writeSync(openSync(fileOf(short), "a"), "er");
  const check = client.open("content.check", { namespace });
  const problems = new Map<string, string | undefined>();
  for await (const { value } of check.items) problems.set(value.digest, value.problem);
  t.strictSame(new Set((await check.result).corrupt), new Set([bad, short]));
  t.equal(problems.get(good), undefined);
  t.match(problems.get(bad), /its bytes are sha256:/);
  t.match(problems.get(short), /has 15 bytes instead of 13/);
  for (const digest of [good, bad, short]) await client.call("content.delete", { namespace, digest });
});

test("content has labels, and filters find it", async (t) => {
  const { client } = stack;
  const digest = await writeContent(stack, namespace, Buffer.from("labelled"));
  const other = await writeContent(stack, namespace, Buffer.from("other"));
  const label = (labels: Record<string, string>, replace = false) =>
    client.call("content.label", { namespace, digest, labels, replace });
  await label({ "a.b/c": "1", gone: "x" });
  t.strictSame((await label({ gone: "", d: "2" })).labels, { "a.b/c": "1", d: "2" });
  const find = async (...filters: string[]) =>
    (await client.call("content.list", { namespace, filters })).blobs.map((blob) => blob.digest);
  t.strictSame(await find('labels."a.b/c"==1'), [digest]);
  t.strictSame(await find('labels."a.b/c"==1,labels.d==3'), []);
  t.strictSame(await find("labels.d"), [digest]);
  t.strictSame(await find("labels.d!=2"), [other]);
  t.strictSame(await find("labels.d~=/^[0-9]$/", `digest==${other}`), [digest, other].sort());
  t.strictSame(await find("size==8"), [digest]);
  for (const filter of ["labels.", "size=8", 'labels."a', "size~=(", "a==b,"]) {
    await t.rejects(find(filter), { code: "InvalidArgument", message: /filter .*>>>/ }, filter);
  }
  t.strictSame((await label({ e: "5" }, true)).labels, { e: "5" });
  for (const each of [digest, other]) await client.call("content.delete", { namespace, digest: each });
});

test("content is listed in pages", async (t) => {
  const { client } = stack;
  const digests = [];
  for (let at = 0; at < 7; at++) digests.push(await writeContent(stack, namespace, Buffer.from(`page ${at}`)));
  const seen: string[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: { blobs: { digest: string }[]; next?: string | undefined } = await client.call("content.list", {
      namespace,
      after,
      limit: 3,
    });
    t.ok(page.blobs.length <= 3);
    seen.push(...page.blobs.map(({ digest }) => digest));
    after = page.next;
  }
  t.strictSame(seen, digests.sort());
  for (const digest of digests) await client.call("content.delete", { namespace, digest });
});

test("a blob that another namespace has is not sent again, and a row without a file is no blob", async (t) => {
  const { client } = stack;
  const bytes = Buffer.from("shared bytes");
  const digest = await writeContent(stack, namespace, bytes);
  await t.rejects(client.call("content.info", { namespace: "two", digest }), { code: "NotFound" });
  const stream = client.open("content.ingest", { namespace: "two", ref, expected: digest, total: bytes.length });
  await t.rejects(stream.result, { code: "AlreadyExists" });
  t.match(await client.call("content.info", { namespace: "two", digest }), { size: bytes.length });
  await client.call("content.delete", { namespace, digest });
  t.equal(await textOf(client.open("content.read", { namespace: "two", digest }).items), "shared bytes");
  const path = join(stack.root, "blobs/sha256", digest.slice("sha256:".length));
  t.equal(statSync(path).size, bytes.length);
  stack.supervisor.kill("SIGKILL");
  await stack.supervisor.ended;
  unlinkSync(path);
  await stack.restart();
  await t.rejects(client.call("content.info", { namespace: "two", digest }), { code: "NotFound" });
});
