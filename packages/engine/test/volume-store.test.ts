import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BackgroundTasks } from "@gantry/common/background-tasks";
import { Clock } from "@gantry/common/clock";
import { nativeSys } from "@gantry/native-sys";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { silent } from "../src/base/log.ts";
import type { Documents } from "../src/store/documents.ts";
import { EventHub } from "../src/system/event-hub.ts";
import type { VolumeDocument } from "../src/volumes/document.ts";
import { pruneVolumes } from "../src/volumes/prune.ts";
import { Volumes } from "../src/volumes/volumes.ts";

/** Records that outlive the volumes' object, as the database's do. */
class Records implements Documents<VolumeDocument> {
  readonly rows = new Map<string, VolumeDocument>();
  unreadable: { id: string; text: string }[] = [];
  onDelete: (id: string) => void = () => {};

  load() {
    return { documents: [...this.rows.values()], unreadable: this.unreadable };
  }

  put(id: string, document: VolumeDocument): void {
    this.rows.set(id, document);
  }

  delete(id: string): void {
    this.onDelete(id);
    this.rows.delete(id);
  }
}

/** Volumes of an engine; `start` again is the next engine on the same directory and records. */
function store() {
  const temp = tempDir("volumes");
  const directory = join(temp.path, "volumes");
  const records = new Records();
  const users = new Map<string, string[]>();
  const failures: unknown[] = [];
  const start = async () => {
    const clock = new Clock();
    const background = new BackgroundTasks((error) => failures.push(error));
    const volumes = new Volumes({
      native: nativeSys(),
      directory,
      documents: records,
      clock,
      events: new EventHub(clock),
      log: silent,
      background,
      usersOf: (name) => users.get(name) ?? [],
    });
    await volumes.restore();
    await background.idle();
    return volumes;
  };
  const data = (name: string, ...path: string[]) => join(directory, name, "_data", ...path);
  return { start, directory, data, records, users, failures, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

test("a volume is handed out only once its directory exists, also to the second of two requests", async (t) => {
  await using s = store();
  const volumes = await s.start();
  void volumes.create({ Name: "data" });
  const { Mountpoint } = await volumes.create({ Name: "data" });
  t.ok(existsSync(Mountpoint));
});

test("a volume that a container under creation holds is in use: neither removed nor pruned", async (t) => {
  await using s = store();
  const volumes = await s.start();
  const { Name } = await volumes.acquire("c1", {});
  await t.rejects(volumes.remove(Name, false), { code: "FailedPrecondition", message: /volume is in use - \[c1\]/ });
  t.same(await pruneVolumes(volumes, true, {}), { VolumesDeleted: [], SpaceReclaimed: 0 });
  volumes.commit("c1");
  t.same((await pruneVolumes(volumes, true, {})).VolumesDeleted, [Name]);
});

test("a rollback removes the volumes that were created for the container, and no others", async (t) => {
  await using s = store();
  const volumes = await s.start();
  await volumes.create({ Name: "before" });
  for (const Name of ["before", "made", "shared", "claimed", ""]) await volumes.acquire("c1", { Name });
  await volumes.acquire("c2", { Name: "shared" });
  await volumes.create({ Name: "claimed" });
  await volumes.rollback("c1");
  const names = () =>
    volumes
      .list()
      .map(({ Name }) => Name)
      .sort();
  t.same(names(), ["before", "claimed", "shared"]);
  t.same(readdirSync(s.directory).sort(), ["before", "claimed", "shared"]);
  await volumes.rollback("c2");
  t.same(names(), ["before", "claimed"], "the last holder's failure takes the shared one");
});

test("the next engine removes leftovers of a killed create, and keeps the volumes of recorded containers", async (t) => {
  await using s = store();
  const killed = await s.start();
  await killed.acquire("c1", { Name: "abandoned" });
  await killed.acquire("c2", { Name: "recorded" });
  s.users.set("recorded", ["c2"]);
  const next = await s.start();
  t.same(
    next.list().map(({ Name }) => Name),
    ["recorded"],
  );
  t.same(readdirSync(s.directory), ["recorded"]);
  t.notOk(s.records.rows.get("recorded")?.provisional);
});

test("a removed volume's directory leaves its name before the record goes, and its data never come back", async (t) => {
  await using s = store();
  const volumes = await s.start();
  await volumes.create({ Name: "data" });
  writeFileSync(s.data("data", "secret"), "old");
  writeFileSync(Buffer.concat([Buffer.from(`${s.data("data")}/`), Buffer.from([0xff])]), "a name of one byte");
  const seen: string[][] = [];
  s.records.onDelete = () => seen.push(readdirSync(s.directory).map((name) => name.replace(/-[0-9a-f]{12}-/, "-ID-")));
  await volumes.remove("data", false);
  t.same(seen, [[".removed-ID-data"]]);
  t.same(readdirSync(s.directory), []);
});

test("a removal that a kill interrupted is finished by the next engine, at either point", async (t) => {
  await using s = store();
  const killed = await s.start();
  for (const Name of ["first", "second"]) {
    await killed.create({ Name });
    writeFileSync(s.data(Name, "secret"), "old");
    renameSync(join(s.directory, Name), join(s.directory, `.removed-0123456789ab-${Name}`));
  }
  s.records.rows.delete("second");
  const next = await s.start();
  t.same(next.list(), []);
  t.same(readdirSync(s.directory), []);
  t.equal(s.records.rows.size, 0);
  await next.create({ Name: "first" });
  t.same(readdirSync(s.data("first")), []);
});

test("files without a record are moved aside and kept, an empty directory goes", async (t) => {
  await using s = store();
  mkdirSync(s.data("ghost"), { recursive: true });
  writeFileSync(s.data("ghost", "file"), "kept");
  mkdirSync(s.data("empty"), { recursive: true });
  mkdirSync(join(s.directory, "lost+found"));
  const volumes = await s.start();
  await volumes.create({ Name: "ghost" });
  t.same(readdirSync(s.data("ghost")), []);
  const [aside = "", ...others] = readdirSync(s.directory).sort();
  t.match(aside, /^\.unclaimed-[0-9a-f]{12}-ghost$/);
  t.same(others, ["ghost", "lost+found"]);
  t.equal(readFileSync(join(s.directory, aside, "_data/file"), "utf8"), "kept");
  await s.start();
  t.ok(existsSync(join(s.directory, aside)), "it stays over starts");
});

test("a fill that a kill interrupted is dropped or finished by the next engine", async (t) => {
  await using s = store();
  const killed = await s.start();
  for (const Name of ["partial", "whole"]) {
    await killed.create({ Name });
    mkdirSync(join(s.directory, Name, `_${Name}`, "sub"), { recursive: true, mode: 0o750 });
    writeFileSync(join(s.directory, Name, `_${Name}`, "file"), "content");
  }
  // Of the whole copy one entry was moved already.
  renameSync(join(s.directory, "whole/_whole/sub"), s.data("whole", "sub"));
  await s.start();
  t.same(readdirSync(s.data("partial")), []);
  t.same(readdirSync(s.data("whole")).sort(), ["file", "sub"]);
  for (const name of ["partial", "whole"]) t.same(readdirSync(join(s.directory, name)), ["_data"]);
});

test("a volume whose record cannot be read keeps its name and its files", async (t) => {
  await using s = store();
  await (await s.start()).create({ Name: "data" });
  writeFileSync(s.data("data", "file"), "kept");
  s.records.rows.delete("data");
  s.records.unreadable = [{ id: "data", text: "{" }];
  const volumes = await s.start();
  await t.rejects(volumes.create({ Name: "data" }), {
    code: "Internal",
    message: /record of volume data cannot be read/,
  });
  t.equal(readFileSync(s.data("data", "file"), "utf8"), "kept");
});

test("a volume that cannot be restored does not keep the others from it", async (t) => {
  await using s = store();
  const killed = await s.start();
  await killed.create({ Name: "blocked" });
  await killed.acquire("c1", { Name: "provisional" });
  rmSync(join(s.directory, "blocked"), { recursive: true });
  writeFileSync(join(s.directory, "blocked"), "a file in its place");
  const volumes = await s.start();
  t.same(
    volumes.list().map(({ Name }) => Name),
    ["blocked"],
  );
});
