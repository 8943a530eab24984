import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BackgroundTasks } from "@gantry/common/background-tasks";
import { RpcError } from "@gantry/ipc";
import { nativeSys } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { Leases } from "../src/content/leases.ts";
import { ContentStore } from "../src/content/store.ts";
import { collectingAfter } from "../src/gc/collect.ts";
import { Collector } from "../src/gc/collector.ts";
import { openMetadata } from "../src/metadata/index.ts";
import { ingestMethods } from "../src/service/ingests.ts";
import { snapshotService } from "../src/service/snapshots.ts";
import type { SnapshotDriver } from "../src/snapshots/driver.ts";
import { Snapshots, snapshotDirectory } from "../src/snapshots/snapshots.ts";
import { findSnapshotters, type Snapshotters } from "../src/snapshots/snapshotters.ts";

const namespace = "test";

/** Stores with a snapshot driver of which some methods are replaced. */
function open(replaced: Partial<SnapshotDriver> = {}) {
  const temp = tempDir("undo");
  const background = new BackgroundTasks((error) => {
    throw error;
  });
  const metadata = openMetadata(join(temp.path, "metadata.db"));
  const directory = snapshotDirectory(temp.path);
  const found = findSnapshotters(nativeSys(), directory, "native");
  const real = found.driver("native");
  const driver: SnapshotDriver = {
    name: "native",
    isStacked: false,
    make: (place, signal) => real.make(place, signal),
    mounts: (place) => real.mounts(place),
    layerTarget: (place) => real.layerTarget(place),
    ...replaced,
  };
  const snapshotters: Snapshotters = { ...found, driver: () => driver };
  const snapshots = new Snapshots(directory, metadata, background, snapshotters);
  const content = new ContentStore(temp.path, metadata);
  return {
    ...{ directory, metadata, snapshots },
    stores: { metadata, content, snapshots, leases: new Leases(metadata) },
    /** Directories of snapshots. */
    left: async () => {
      await background.idle();
      return readdirSync(directory, { recursive: true }).filter((name) => name !== ".removing");
    },
    async [Symbol.asyncDispose]() {
      await background.idle();
      metadata.db.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}

test("a snapshot whose directory cannot be created fails with the kernel's error", async (t) => {
  await using temp = tempDir("undo");
  const root = join(temp.path, "small");
  mkdirSync(root);
  // Inodes for the root and for the directory `.removing`, and no more.
  execFileSync("mount", ["-t", "tmpfs", "-o", "nr_inodes=2,mode=755", "tmpfs", root]);
  const metadata = openMetadata(join(temp.path, "metadata.db"));
  try {
    const background = new BackgroundTasks(() => {});
    const snapshots = new Snapshots(root, metadata, background, findSnapshotters(nativeSys(), root, "native"));
    await t.rejects(snapshots.prepare(namespace, "a", ""), { code: "ENOSPC", syscall: "mkdir" });
    t.equal(snapshots.find(namespace, "a"), undefined);
  } finally {
    metadata.db.close();
    execFileSync("umount", [root]);
  }
});

test("a failed undo does not hide the first failure", async (t) => {
  let directory = "";
  await using parts = open({
    make: async ({ id }) => {
      rmSync(join(directory, String(id)), { recursive: true });
      // Where the undo would move the snapshot's directory, it finds a file.
      rmSync(join(directory, ".removing"), { recursive: true });
      mkdirSync(join(directory, String(id)));
      writeFileSync(join(directory, ".removing"), "");
      throw new Error("the driver's own failure");
    },
  });
  directory = parts.directory;
  await t.rejects(parts.snapshots.prepare(namespace, "a", ""), { message: "the driver's own failure" });
});

test("a snapshot whose caller has given up is undone, however late its driver ends", async (t) => {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using parts = open({
    make: async () => {
      reached.resolve();
      await gate.promise;
    },
  });
  const handlers = snapshotService(parts.stores, new Collector(parts.stores, () => {}));
  for (const method of ["snapshots.prepare", "snapshots.view"] as const) {
    const call = new AbortController();
    const made = handlers[method]({ namespace, key: "late", parent: "" }, { signal: call.signal, blobs: [] });
    await reached.promise;
    call.abort(new RpcError("DeadlineExceeded", "too late"));
    gate.resolve();
    await t.rejects(made, { code: "DeadlineExceeded" }, method);
    t.equal(parts.snapshots.find(namespace, "late"), undefined);
    t.strictSame(await parts.left(), []);
  }
});

test("the copy of a snapshot ends soon after its caller has given up", async (t) => {
  await using parts = open();
  const base = await parts.snapshots.prepare(namespace, "a", "");
  const files = 4000;
  for (let at = 0; at < files; at++) writeFileSync(join(parts.snapshots.directory(base.id), `f${at}`), "");
  await parts.snapshots.commit(base, "base");
  const call = new AbortController();
  const before = await parts.left();
  const made = parts.snapshots.prepare(namespace, "copy", "base", { signal: call.signal });
  const copy = join(parts.directory, String(base.id + 1), "fs");
  while (readdirSync(copy).length === 0) await new Promise(setImmediate);
  call.abort(new RpcError("Cancelled", "never mind"));
  const copied = readdirSync(copy).length;
  await t.rejects(made, { code: "Cancelled" });
  t.ok(copied < files, `${copied} of ${files} files were copied`);
  t.strictSame(await parts.left(), before);
});

test("a commit whose caller has given up leaves the snapshot active", async (t) => {
  await using parts = open();
  const row = await parts.snapshots.prepare(namespace, "a", "");
  const signal = AbortSignal.abort(new RpcError("DeadlineExceeded", "too late"));
  await t.rejects(parts.snapshots.commit(row, "done", { signal }), { code: "DeadlineExceeded" });
  t.equal(parts.snapshots.get(namespace, "a").kind, "active");
  t.equal(parts.snapshots.find(namespace, "done"), undefined);
});

test("a collection that fails does not hide the failure of the operation before it", async (t) => {
  await using parts = open();
  const stores = {
    ...parts.stores,
    get metadata(): never {
      throw new Error("the database is full");
    },
  };
  await t.rejects(
    collectingAfter(stores, namespace, async () => {
      throw new RpcError("ResourceExhausted", "no space left");
    }),
    { code: "ResourceExhausted", message: "no space left" },
  );
  await t.rejects(
    collectingAfter(stores, namespace, async () => {
      using _lease = { [Symbol.dispose]: () => assert.fail("the lease cannot be written") };
      throw new RpcError("NotFound", "no such image");
    }),
    { code: "NotFound", message: "no such image" },
  );
});

test("content whose caller has given up is not stored", async (t) => {
  await using parts = open();
  const handlers = ingestMethods(parts.stores);
  const signal = AbortSignal.abort(new RpcError("DeadlineExceeded", "too late"));
  const context = { signal, blobs: [], send: async () => {}, input: messages([Buffer.from("bytes")]) };
  await t.rejects(handlers["content.write"]({ namespace }, context), { code: "DeadlineExceeded" });
  t.strictSame(parts.metadata.blobs.list(namespace), []);
});

async function* messages(blobs: readonly Uint8Array[]) {
  yield { value: {}, blobs };
}
