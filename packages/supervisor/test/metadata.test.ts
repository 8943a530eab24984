import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { Leases } from "../src/content/leases.ts";
import { mark } from "../src/gc/mark.ts";
import { openMetadata } from "../src/metadata/index.ts";

const namespace = "test";
const digest = `sha256:${"1".repeat(64)}`;
const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 5 };

/** A database with a row in each table, closed. */
function filled(path: string): void {
  const metadata = openMetadata(path);
  metadata.namespaces.create(namespace, {});
  metadata.images.put(namespace, "docker.io/library/a:1", target, { "containerd.io/gc.root": "" });
  metadata.blobs.put(namespace, { digest, size: 5, managed: true });
  metadata.leases.insert(namespace, { id: "l", labels: {} });
  const runtime = { path: "/bin/runc", root: "/run/runc", worker: false };
  const container = { id: "c", image: "a", labels: {}, spec: {}, snapshotKey: "", user: "", runtime };
  metadata.containers.insert(namespace, container);
  for (const id of ["first", "second", "third"]) metadata.events.publish({ namespace, topic: "/images/create", id });
  metadata.db.close();
}

function damage(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

test("a JSON column that cannot be read is an error that names the row and the field", async (t) => {
  const cases = [
    [
      "UPDATE images SET target = json_set(target, '$.size', 'five')",
      /table images, row test docker.io\/library\/a:1, column target: size: /,
    ],
    ["UPDATE images SET target = '{'", /table images, row test docker.io\/library\/a:1, column target: .*JSON/],
    [
      "UPDATE blobs SET labels = '{\"a\":1}'",
      /table blobs, row test sha256:1+, column labels: every label must be a string/,
    ],
    ["UPDATE leases SET labels = '[]'", /table leases, row test l, column labels/],
    ["UPDATE namespaces SET labels = 'null'", /table namespaces, row test, column labels/],
    ["UPDATE containers SET runtime = '{}'", /table containers, row test c, column runtime: path: /],
    ["UPDATE containers SET spec = '\"x\"'", /table containers, row test c, column spec: /],
  ] as const;
  for (const [sql, message] of cases) {
    await using temp = tempDir("metadata");
    const path = join(temp.path, "metadata.db");
    filled(path);
    damage(path, sql);
    const metadata = openMetadata(path);
    const { images, blobs, leases, namespaces, containers } = metadata;
    const readAll = () =>
      [images, blobs, leases, containers].map((table) => table.list(namespace)).concat(namespaces.list() as never);
    t.throws(readAll, { code: "Internal", message }, sql);
    metadata.db.close();
  }
});

test("nothing is collected where a label cannot be read", async (t) => {
  await using temp = tempDir("metadata");
  const path = join(temp.path, "metadata.db");
  filled(path);
  damage(path, `UPDATE images SET labels = '{"containerd.io/gc.root":1}'`);
  const metadata = openMetadata(path);
  t.throws(() => mark(metadata, new Leases(metadata), namespace), { code: "Internal", message: /row test docker.io/ });
  metadata.db.close();
});

test("a subscription begins with the oldest kept event, with a number, or with the next event", async (t) => {
  await using temp = tempDir("metadata");
  const path = join(temp.path, "metadata.db");
  filled(path);
  const { events, db } = openMetadata(path);
  const stop = new AbortController();
  const [all, fromThree, news] = [0, 3, undefined].map((from) => events.subscribe(from, stop.signal).next());
  events.publish({ namespace, topic: "/images/create", id: "fourth" });
  t.match(await Promise.all([all, fromThree, news]), [
    { value: { id: "first", sequence: 1 } },
    { value: { id: "third", sequence: 3 } },
    { value: { id: "fourth", sequence: 4 } },
  ]);
  db.close();
});

test("an event that cannot be read is reported, and the later ones keep their numbers", async (t) => {
  for (const [broken, kept] of [
    [1, ["second", "third"]],
    [3, []],
  ] as const) {
    await using temp = tempDir("metadata");
    const path = join(temp.path, "metadata.db");
    filled(path);
    damage(path, `UPDATE events SET event = json_remove(event, '$.topic') WHERE sequence = ${broken}`);
    t.throws(() => openMetadata(path), { message: new RegExp(`table events, row ${broken}, column event: topic`) });
    const reported: unknown[] = [];
    const { events, db } = openMetadata(path, (error) => reported.push(error));
    t.equal(reported.length, 1);
    t.equal(events.last, 3);
    events.publish({ namespace, topic: "/images/create", id: "fourth" });
    const stop = new AbortController();
    const read: string[] = [];
    for await (const { id, sequence } of events.subscribe(broken + 1, stop.signal)) {
      read.push(id);
      if (sequence === 4) break;
    }
    t.strictSame(read, [...kept, "fourth"]);
    db.close();
  }
});
