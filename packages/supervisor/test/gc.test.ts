import { readdirSync } from "node:fs";
import { join } from "node:path";
import { digestOf, mediaTypes } from "@gantry/oci-spec";
import { randomFrom } from "@gantry/testkit";
import { test } from "tap";
import { Leases } from "../src/content/leases.ts";
import { collect } from "../src/gc/collect.ts";
import { imageParts } from "./support/images.ts";

const namespace = "test";
const seed = Number(process.env.GANTRY_TEST_SEED ?? Date.now() % 1_000_000);
const rounds = 12;
const stepsPerRound = 60;

/** The expected state: references, and roots. */
class Model {
  /** Blobs by digest, and the digests that each one needs. */
  readonly blobs = new Map<string, string[]>();
  readonly images = new Map<string, string>();
  readonly leases = new Map<string, Set<string>>();
  /** Labelled as roots. */
  readonly roots = new Set<string>();

  /** Blobs that must be there after a collection, and no others. */
  needed(): string[] {
    const needed = new Set<string>();
    const visit = (digest: string) => {
      if (needed.has(digest) || !this.blobs.has(digest)) return;
      needed.add(digest);
      for (const child of this.blobs.get(digest) ?? []) visit(child);
    };
    for (const digest of [...this.images.values(), ...this.roots]) visit(digest);
    for (const digests of this.leases.values()) for (const digest of digests) visit(digest);
    return [...needed].sort();
  }

  /** Forgets what a collection has removed. */
  forgetLost(): void {
    const needed = new Set(this.needed());
    for (const digest of [...this.blobs.keys()]) if (!needed.has(digest)) this.blobs.delete(digest);
  }
}

test(`collection beside other operations, seed ${seed}`, async (t) => {
  await using parts = imageParts();
  const { metadata, content, leases } = parts.stores;
  const random = randomFrom(seed);
  const model = new Model();
  let last = 0;

  /** @returns the blobs that the lease has now */
  const putUnderLease = async (lease: string): Promise<string[]> => {
    using operation = leases.acquire({ namespace, lease });
    const children: string[] = [];
    const count = random.below(4);
    for (let at = 0; at < count; at++) {
      const [known = ""] = random.below(3) === 0 ? children : [];
      children.push(await put(known === "" ? [] : [known], operation));
    }
    return [...children, await put(children, operation)];
  };
  type ActiveLease = ReturnType<typeof leases.acquire>;
  const put = async (children: string[], operation: ActiveLease) => {
    const bytes = Buffer.from(`blob ${last++} of ${seed}`);
    const digest = digestOf(bytes);
    await content.put(bytes, { namespace, managed: true, lease: operation });
    metadata.blobs.link(digest, children);
    model.blobs.set(digest, children);
    return digest;
  };
  const operations: readonly (() => Promise<void>)[] = [
    async () => {
      const id = `lease${last++}`;
      metadata.leases.insert(namespace, { id, labels: {} });
      const digests = new Set<string>();
      model.leases.set(id, digests);
      for (const digest of await putUnderLease(id)) digests.add(digest);
    },
    async () => {
      const [id, digests] = random.pick([...model.leases]) ?? [];
      const digest = random.pick([...(digests ?? [])]);
      if (id === undefined || digest === undefined || !model.blobs.has(digest)) return;
      const name = `docker.io/library/image${random.below(8)}:latest`;
      // The blob's lease may end while the image is created: an operation that names content keeps it.
      model.images.set(name, digest);
      parts.images.set(namespace, name, { mediaType: mediaTypes.manifest, digest, size: 1 });
    },
    async () => {
      const name = random.pick([...model.images.keys()]);
      if (name === undefined) return;
      model.images.delete(name);
      parts.images.delete(namespace, name);
    },
    async () => {
      const id = random.pick([...model.leases.keys()]);
      if (id === undefined || (model.leases.get(id)?.size ?? 0) === 0) return; // it is being filled
      model.leases.delete(id);
      metadata.leases.delete(namespace, id);
    },
    async () => {
      const digest = random.pick(model.needed());
      if (digest === undefined) return;
      const isRoot = model.roots.delete(digest);
      if (!isRoot) model.roots.add(digest);
      metadata.blobs.setLabels(namespace, digest, { "containerd.io/gc.root": isRoot ? "" : "yes" });
    },
    async () => void collect(parts.stores, namespace),
  ];

  for (let round = 0; round < rounds; round++) {
    const running: Promise<void>[] = [];
    for (let step = 0; step < stepsPerRound; step++) {
      const operation = random.pick(operations);
      if (operation) running.push(operation());
      if (random.below(2) === 0) await new Promise(setImmediate);
    }
    await Promise.all(running);
    collect(parts.stores, namespace);
    model.forgetLost();
    const rows = metadata.blobs.list(namespace).map(({ digest }) => digest);
    t.strictSame(rows, model.needed(), `after round ${round}`);
    const files = readdirSync(join(parts.root, "blobs/sha256")).map((hex) => `sha256:${hex}`);
    t.strictSame(files.sort(), rows);
    t.strictSame(readdirSync(join(parts.root, "ingest")), []);
  }
  for (const name of model.images.keys()) parts.images.delete(namespace, name);
  for (const id of model.leases.keys()) metadata.leases.delete(namespace, id);
  for (const digest of model.roots) metadata.blobs.replaceLabels(namespace, digest, {});
  collect(parts.stores, namespace);
  t.strictSame(parts.left(), { images: 0, blobs: 0, snapshots: 0 });
});

test("snapshots are removed from the top down, but no parent of a snapshot that is being created", async (t) => {
  await using parts = imageParts();
  const { metadata, snapshots, leases } = parts.stores;
  const random = randomFrom(seed);
  const needed = new Set<string>();
  const parents = new Map<string, string>();
  for (let at = 0; at < 40; at++) {
    using operation = leases.acquire({ namespace });
    operation.add(`key${at}`, `name${at}`);
    const parent = random.below(3) === 0 ? "" : (random.pick([...parents.keys()]) ?? "");
    const making = snapshots.prepare(namespace, `key${at}`, parent, { managed: true });
    collect(parts.stores, namespace);
    await snapshots.commit(await making, `name${at}`);
    parents.set(`name${at}`, parent);
    // All of them are held by a label until the chain is complete.
    const { id } = snapshots.get(namespace, `name${at}`);
    metadata.snapshots.setLabels(id, { "containerd.io/gc.root": "yes" });
  }
  for (const name of parents.keys()) {
    if (random.below(4) === 0) for (let at = name; at !== ""; at = parents.get(at) ?? "") needed.add(at);
    else metadata.snapshots.setLabels(snapshots.get(namespace, name).id, {});
  }
  collect(parts.stores, namespace);
  t.strictSame(new Set(metadata.snapshots.list(namespace).map(({ key }) => key)), needed);
});

test("the content of a killed operation is kept for the next one of its name", async (t) => {
  await using parts = imageParts();
  const { metadata, content } = parts.stores;
  const operation = { namespace, resumable: "pull of something" };
  const bytes = Buffer.from("a layer");
  const active = parts.stores.leases.acquire(operation);
  await content.put(bytes, { namespace, managed: true, lease: active });
  // The next process does not know the leases of this one.
  const stores = { ...parts.stores, leases: new Leases(metadata) };
  t.strictSame(collect(stores, namespace).content, []);
  const [first, second] = [stores.leases.acquire(operation), stores.leases.acquire(operation)];
  first[Symbol.dispose]();
  t.strictSame(collect(stores, namespace).content, [], "two of one name share it");
  second[Symbol.dispose]();
  t.strictSame(collect(stores, namespace).content, [digestOf(bytes)]);
  t.strictSame(metadata.leases.list(namespace), []);
});
