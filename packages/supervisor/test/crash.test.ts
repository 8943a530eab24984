import { randomBytes } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { randomFrom, tempDir, waitFor, writeDockerArchive } from "@gantry/testkit";
import { type Test, test } from "tap";
import { namespace } from "./support/container.ts";
import { skopeo, startRegistry } from "./support/registry.ts";
import { type Stack, startStack } from "./support/stack.ts";

const seed = Number(process.env.GANTRY_TEST_SEED ?? Date.now() % 1_000_000);
const kills = 6;

test(`killed at any moment, seed ${seed}, the supervisor keeps exactly the changes that it has confirmed`, {
  timeout: 180_000,
}, async (t) => {
  await using directory = tempDir("crash");
  await using registry = await startRegistry(directory.path);
  const random = randomFrom(seed);
  const archives = await makeArchives(directory.path, registry.address);
  await using stack = await startStack({ standby: 0 });
  const { client } = stack;
  /** Images whose load or pull was answered, and not their deletion since. */
  const promised = new Set<string>();

  for (let kill = 0; kill < kills; kill++) {
    const work = archives.map(async ({ name, path }) => {
      const isLoad = random.below(2) === 0;
      const made = isLoad ? await loadFile(stack, path) : await client.open("images.pull", { namespace, name }).result;
      if (made) promised.add(name);
      if (random.below(2) === 0) return;
      promised.delete(name); // from here on it may go or stay
      await client.call("images.delete", { namespace, name });
    });
    for (const each of work) each.catch(() => {});
    const steps = random.below(120);
    for (let step = 0; step < steps; step++) await somethingHappens(stack);
    stack.supervisor.kill("SIGKILL");
    await stack.supervisor.ended;
    await Promise.allSettled(work);
    await stack.restart();
    await checkImages(stack, promised, t);
  }

  for (const { name } of archives) {
    await client.call("images.delete", { namespace, name }).catch(() => {});
  }
  const { leases } = await client.call("leases.list", { namespace });
  for (const { id } of leases) await client.call("leases.delete", { namespace, id });
  await client.call("gc.run", { namespace });
  for (const { ref } of (await client.call("content.ingests", { namespace })).ingests) {
    await client.call("content.abort", { namespace, ref });
  }
  await checkNothingLeft(stack, t);
});

type Assert = Pick<Test, "strictSame" | "ok">;

async function makeArchives(directory: string, address: string): Promise<{ name: string; path: string }[]> {
  const shared = [{ path: "shared", content: randomBytes(2 << 20) }];
  return await Promise.all(
    ["a", "b", "c"].map(async (each) => {
      const path = join(directory, `${each}.tar`);
      const name = `${address}/${each}:1`;
      const own = [{ path: each, content: randomBytes(3 << 20) }];
      await writeDockerArchive(path, { name, layers: [shared, own], config: {} });
      await skopeo("copy", "-q", "--dest-tls-verify=false", `docker-archive:${path}`, `docker://${name}`);
      return { name, path };
    }),
  );
}

async function loadFile({ client }: Stack, path: string) {
  const stream = client.open("images.load", { namespace });
  const sending = (async () => {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 << 10 })) await stream.send({}, chunk);
    stream.end();
  })();
  sending.catch(() => {});
  return await stream.result;
}

/** A round trip: as long as the supervisor needs to do some of its work. */
async function somethingHappens({ client }: Stack): Promise<void> {
  await client.call("version", {});
}

/** Every image that was promised is there, and every one that is there is whole. */
async function checkImages({ client }: Stack, promised: ReadonlySet<string>, t: Assert): Promise<void> {
  const { images } = await client.call("images.list", { namespace });
  const names = new Set(images.map(({ name }) => name));
  t.strictSame(
    [...promised].filter((name) => !names.has(name)),
    [],
    "promised images",
  );
  const check = client.open("content.check", { namespace });
  t.strictSame((await check.result).corrupt, []);
  for (const name of names) {
    const { chainId, manifest } = await client.call("images.resolve", { namespace, name });
    t.ok(chainId, `${name} is unpacked`);
    await client.call("content.info", { namespace, digest: manifest.digest });
  }
}

/** Neither rows nor files. */
async function checkNothingLeft({ client, root }: Stack, t: Assert): Promise<void> {
  t.strictSame((await client.call("content.list", { namespace })).blobs, []);
  t.strictSame((await client.call("snapshots.list", { namespace })).snapshots, []);
  t.strictSame(readdirSync(join(root, "blobs/sha256")), []);
  t.strictSame(readdirSync(join(root, "ingest")), []);
  await waitFor(() => readdirSync(join(root, "snapshots/.removing")).length === 0, { what: "the removal of files" });
  t.strictSame(readdirSync(join(root, "snapshots")), [".removing"]);
  await waitFor(() => readdirSync(join(root, "removing")).length === 0, { what: "the removal of blobs" });
}
