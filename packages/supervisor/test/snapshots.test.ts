import { execFileSync, spawnSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BackgroundTasks } from "@gantry/common/background-tasks";
import { MNT_DETACH, nativeSys } from "@gantry/native-sys";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { openMetadata } from "../src/metadata/index.ts";
import { migrations } from "../src/metadata/schema.ts";
import { Snapshots, snapshotDirectory } from "../src/snapshots/snapshots.ts";
import { findSnapshotters } from "../src/snapshots/snapshotters.ts";
import { change, describe, grow, randomFrom } from "./support/trees.ts";

const native = nativeSys();
const namespace = "test";

/** The snapshots of a root, with every driver that works there. */
function open(root: string) {
  const failures: unknown[] = [];
  const background = new BackgroundTasks((error) => failures.push(error), { sequential: true });
  const metadata = openMetadata(join(root, "metadata.db"));
  const directory = snapshotDirectory(root);
  const snapshotters = findSnapshotters(native, directory);
  const snapshots = new Snapshots(directory, metadata, background, snapshotters);
  return {
    snapshots,
    snapshotters,
    metadata,
    directory,
    async [Symbol.asyncDispose]() {
      await background.idle();
      metadata.db.close();
      if (failures.length > 0) throw failures[0];
    },
  };
}

function hasFilesystem(type: string): boolean {
  const known = readFileSync("/proc/filesystems", "utf8").split(/\s+/).includes(type);
  return known && spawnSync(`mkfs.${type}`, ["-V"]).status === 0;
}

/** A file system of its own in an image file. */
async function loopMount(type: "btrfs" | "xfs") {
  const temp = tempDir(type);
  const [image, root] = [join(temp.path, "image"), join(temp.path, "root")];
  writeFileSync(image, "");
  truncateSync(image, 400 << 20);
  mkdirSync(root);
  execFileSync(`mkfs.${type}`, ["-q", image]);
  execFileSync("mount", ["-o", "loop", image, root]);
  return {
    root,
    async [Symbol.asyncDispose]() {
      execFileSync("umount", [root]);
      await temp[Symbol.asyncDispose]();
    },
  };
}

for (const snapshotter of ["overlayfs", "native"] as const) {
  test(`${snapshotter}: kinds, parents, labels and removal follow containerd's rules`, async (t) => {
    await using temp = tempDir("snapshots");
    await using parts = open(temp.path);
    const { snapshots } = parts;
    const on = { snapshotter };
    const base = await snapshots.prepare(namespace, "a", "", { ...on, labels: { one: "1", two: "2" } });
    writeFileSync(join(snapshots.directory(base.id), "file"), Buffer.alloc(100_000, 1));
    linkSync(join(snapshots.directory(base.id), "file"), join(snapshots.directory(base.id), "link"));
    await t.rejects(snapshots.prepare(namespace, "b", "a", on), {
      code: "FailedPrecondition",
      message: /must be committed/,
    });
    await t.rejects(snapshots.prepare(namespace, "a", "", on), { code: "AlreadyExists" });
    await t.rejects(snapshots.prepare(namespace, "b", "none", on), { code: "NotFound" });
    t.same(snapshots.label(base, { one: "", three: "3" }).labels, { two: "2", three: "3" });
    await snapshots.commit(snapshots.get(namespace, "a", snapshotter), "base");
    const committed = snapshots.get(namespace, "base", snapshotter);
    const { size, inodes } = await snapshots.usage(committed);
    t.equal(inodes, 2, "the directory, and the file once");
    t.ok(size >= 100_000 && size < 120_000, `${size} bytes, for one of the two names`);
    t.throws(() => snapshots.mounts(committed), { code: "FailedPrecondition" });
    const view = await snapshots.prepare(namespace, "v", "base", { ...on, kind: "view" });
    t.match(snapshots.mounts(view)[0]?.options.join(), /^rbind,ro$/);
    await t.rejects(snapshots.commit(view, "w"), { code: "FailedPrecondition" });
    t.throws(() => snapshots.layerTarget(view), { code: "FailedPrecondition" });
    t.throws(() => snapshots.remove(committed), { code: "FailedPrecondition", message: /is the parent of v/ });
    snapshots.remove(view);
    const other = snapshotter === "native" ? "overlayfs" : "native";
    t.equal(snapshots.find(namespace, "base", other), undefined, "another snapshotter does not see it");
    await snapshots.prepare(namespace, "base", "", { snapshotter: other });
    snapshots.remove(committed);
  });
}

test("snapshots that are created at the same time do not interfere", async (t) => {
  await using temp = tempDir("snapshots");
  await using parts = open(temp.path);
  const { snapshots } = parts;
  const make = (key: string) => snapshots.prepare(namespace, key, "", { snapshotter: "native" });
  const base = await make("base");
  grow(snapshots.directory(base.id), randomFrom(3), 60);
  await snapshots.commit(base, "parent");
  const on = { snapshotter: "native" } as const;
  const keys = ["a", "b", "c", "a"];
  const making = Promise.allSettled(keys.map((key) => snapshots.prepare(namespace, key, "parent", on)));
  t.throws(() => snapshots.remove(snapshots.get(namespace, "parent", "native")), { code: "FailedPrecondition" });
  const made = await making;
  t.same(made.map(({ status }) => status).sort(), ["fulfilled", "fulfilled", "fulfilled", "rejected"]);
  const ids = new Set(["parent", "a", "b", "c"].map((key) => String(snapshots.get(namespace, key, "native").id)));
  await waitFor(() =>
    readdirSync(parts.directory)
      .filter((name) => /^\d+$/.test(name))
      .every((id) => ids.has(id)),
  );
});

test("users of containers get through the directories, and cannot list them", async (t) => {
  await using temp = tempDir("snapshots");
  await using parts = open(temp.path);
  const row = await parts.snapshots.prepare(namespace, "a", "");
  for (const path of [parts.directory, join(parts.directory, String(row.id))]) {
    t.equal(statSync(path).mode & 0o777, 0o711, path);
  }
});

for (const type of ["btrfs", "xfs"] as const) {
  const skip = hasFilesystem(type) ? false : `needs mkfs.${type}, and a kernel with ${type}`;
  test(`native: on ${type} a copy shares its extents with the original`, { skip }, async (t) => {
    await using disk = await loopMount(type);
    await using parts = open(disk.root);
    const { snapshots } = parts;
    const on = { snapshotter: "native" } as const;
    const base = await snapshots.prepare(namespace, "a", "", on);
    const files = snapshots.directory(base.id);
    writeFileSync(join(files, "large"), Buffer.alloc(100 << 20, "x"));
    grow(files, randomFrom(5), 30);
    await snapshots.commit(base, "base");
    const free = () => {
      execFileSync("sync", ["-f", disk.root]);
      return (
        Number(execFileSync("stat", ["-f", "-c", "%f", disk.root])) *
        Number(execFileSync("stat", ["-f", "-c", "%S", disk.root]))
      );
    };
    const before = free();
    const copies = await Promise.all(["x", "y", "z"].map((key) => snapshots.prepare(namespace, key, "base", on)));
    t.ok(before - free() < 50 << 20, "three copies of 100 MB take less than half of one");
    for (const copy of copies) t.strictSame(describe(snapshots.directory(copy.id)), describe(files));
    const [one, two] = copies.map(({ id }) => snapshots.directory(id)) as [string, string];
    change(one, randomFrom(6), 20);
    t.strictSame(describe(two), describe(files), "and are apart from each other");
  });
}

test("a root that overlayfs cannot use gets the copying driver, and the reason is reported", async (t) => {
  await using temp = tempDir("snapshots");
  // An overlay cannot be the upper directory of another one.
  const names = ["lower", "upper", "work", "root"].map((name) => join(temp.path, name));
  const [lower, upper, work, root] = names as [string, string, string, string];
  for (const name of names) mkdirSync(name);
  execFileSync("mount", [
    "-t",
    "overlay",
    "overlay",
    "-o",
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    root,
  ]);
  try {
    await using parts = open(root);
    t.equal(parts.snapshotters.default, "native");
    t.match(parts.snapshotters.reason, /overlayfs does not work in .*snapshots: /);
    t.same(readdirSync(parts.directory), [".removing"], "the attempt leaves nothing");
    await t.rejects(parts.snapshots.prepare(namespace, "a", "", { snapshotter: "overlayfs" }), {
      code: "InvalidArgument",
      message: /the snapshotter overlayfs cannot be used: overlayfs does not work/,
    });
    t.throws(() => findSnapshotters(native, parts.directory, "overlayfs"), { message: /^--snapshotter overlayfs: / });
    const row = await parts.snapshots.prepare(namespace, "a", "");
    writeFileSync(join(parts.snapshots.directory(row.id), "f"), "here");
    await parts.snapshots.commit(row, "base");
    const child = await parts.snapshots.prepare(namespace, "b", "base");
    t.equal(readFileSync(join(parts.snapshots.directory(child.id), "f"), "utf8"), "here");
  } finally {
    native.umount(root, MNT_DETACH);
  }
});

test("snapshots of a database of the first version are still there", async (t) => {
  await using temp = tempDir("snapshots");
  const path = join(temp.path, "metadata.db");
  const { DatabaseSync } = await import("node:sqlite");
  const old = new DatabaseSync(path);
  old.exec(`${migrations[0]}; PRAGMA user_version = 1`);
  const insert = old.prepare(
    "INSERT INTO snapshots VALUES (?, 'test', ?, ?, ?, '{\"a\":\"b\"}', 0, ?, 1, '2026-01-01T00:00:00Z')",
  );
  insert.run(4, "base", null, "committed", 77);
  insert.run(9, "child", 4, "active", null);
  old.exec("DELETE FROM snapshots WHERE id = 9; INSERT INTO namespaces VALUES ('test', '{}')");
  old.close();
  await using parts = open(temp.path);
  t.match(parts.snapshots.get(namespace, "base", "overlayfs"), {
    id: 4,
    size: 77,
    labels: { a: "b" },
    kind: "committed",
  });
  t.equal((await parts.snapshots.prepare(namespace, "next", "")).id, 10, "no number is used twice");
});
