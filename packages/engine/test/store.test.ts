import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import * as v from "valibot";
import { containerDocument } from "../src/containers/document-schema.ts";
import { networkDocument } from "../src/networks/document.ts";
import { openDatabase } from "../src/store/database.ts";
import { documents } from "../src/store/documents.ts";
import { migrations } from "../src/store/migrations.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");

const version = (database: DatabaseSync) => database.prepare("PRAGMA user_version").get()?.["user_version"];

test("a database of before versions were counted is taken over, and one of a later version refused", async (t) => {
  await using temp = tempDir("store");
  const path = join(temp.path, "engine.db");
  const before = new DatabaseSync(path);
  before.exec("CREATE TABLE volumes (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID");
  before.exec(`INSERT INTO volumes VALUES ('data', '{"a":1}')`);
  before.close();
  const database = openDatabase(path);
  t.equal(version(database), migrations.length);
  t.same({ ...database.prepare("SELECT * FROM volumes").get() }, { id: "data", document: '{"a":1}' });
  database.close();
  const later = new DatabaseSync(path);
  later.exec(`PRAGMA user_version = ${migrations.length + 1}`);
  later.close();
  t.throws(() => openDatabase(path), { message: /engine\.db was written by a later version/ });
});

test("a step of migration runs once, and whole or not at all", async (t) => {
  await using temp = tempDir("store");
  const path = join(temp.path, "engine.db");
  openDatabase(path).close();
  const step = "INSERT INTO networks VALUES ('n', json_set('{}', '$.mtu', 1500))";
  const broken = `${step}; INSERT INTO absent VALUES (1)`;
  t.throws(() => openDatabase(path, [...migrations, broken]), /no such table: absent/);
  for (let time = 0; time < 2; time++) {
    const database = openDatabase(path, [...migrations, step]);
    t.equal(version(database), migrations.length + 1);
    t.equal(database.prepare("SELECT count(*) AS n FROM networks").get()?.["n"], 1);
    database.close();
  }
});

test("a row that cannot be read is reported by table, id and field, left out, and kept", (t) => {
  using database = openDatabase(":memory:");
  const messages: string[] = [];
  const table = documents(database, {
    table: "volumes",
    schema: v.object({ labels: v.object({ a: v.string() }) }),
    onUnreadable: (message) => messages.push(message),
  });
  table.put("good", { labels: { a: "1" }, added: "later" } as never);
  table.put("bad", { labels: { a: 5 } } as never);
  database.exec("INSERT INTO volumes VALUES ('torn', '{\"labels\":')");
  const { documents: readable, unreadable } = table.load();
  t.same(readable, [{ labels: { a: "1" }, added: "later" }], "with the fields that the schema does not name");
  t.same(unreadable.map(({ id }) => id).sort(), ["bad", "torn"]);
  t.match(messages.sort(), [
    /^table volumes, row bad: labels\.a: must be string, not 5/,
    /^table volumes, row torn: .*JSON/,
  ]);
  t.equal(database.prepare("SELECT count(*) AS n FROM volumes").get()?.["n"], 3);
  t.end();
});

test("an engine starts with a container's record that cannot be read, and keeps all that belongs to it", async (t) => {
  await using engine = await engineUnderTest();
  const broken = await engine.create("true", { Binds: ["vol:/data"] }, { Name: "broken" });
  const whole = await engine.create("true", {}, { Name: "whole" });
  const file = join(engine.root, "engine.db");
  const setRunning = (value: string) => {
    const database = new DatabaseSync(file);
    database.exec(
      `UPDATE containers SET document = json_set(document, '$.state.Running', ${value}) WHERE id = '${broken}'`,
    );
    database.close();
  };
  await engine.restart(async () => setRunning("'perhaps'"));
  const names = async () =>
    (await engine.client.call("containerList", { All: true })).Containers.map(({ Names }) => Names[0]).sort();
  t.same(await names(), ["/whole"]);
  t.ok(engine.standIn.snapshots.has(broken), "its writable layer");
  await t.rejects(engine.client.call("volumeRemove", { Name: "vol" }), { code: "FailedPrecondition" }, "its volume");
  await engine.restart(async () => setRunning("json('false')"));
  t.same(await names(), ["/broken", "/whole"], "mended, it is there again");
  await engine.client.call("containerStart", { Id: whole });
});

test("the documents of containers and networks match their schemas", async (t) => {
  await using engine = await engineUnderTest();
  await engine.client.call("networkCreate", { Name: "net", IPAM: { Config: [{ Subnet: "10.99.0.0/24" }] } });
  await engine.create("true", { Binds: ["vol:/data", "/tmp:/t:ro"], Tmpfs: { "/x": "size=1m" } });
  await engine.restart(async () => {
    using database = new DatabaseSync(join(engine.root, "engine.db"));
    for (const [table, schema] of [
      ["containers", containerDocument],
      ["networks", networkDocument],
    ] as const) {
      const rows = database.prepare(`SELECT document FROM ${table}`).all();
      t.ok(rows.length > 0);
      for (const row of rows) v.assert(schema as v.GenericSchema, JSON.parse(String(row["document"])));
    }
  });
});
