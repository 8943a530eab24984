import { chownSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { normalizeReference } from "@gantry/oci-spec";
import { test } from "tap";
import { inOwnNetwork } from "./own-network.ts";
import { standInImage } from "./stand-in-images.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");

test("images: list, filters, inspect, tag, and removal in Docker's order", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn } = engine;
  const add = (name: string, config: Record<string, unknown> = {}) =>
    standIn.images.set(normalizeReference(name), standInImage(name, config));
  add("localhost:5000/team/app:v1", { Labels: { tier: "web" } });
  const tags = async (filters: Record<string, string[]> = {}) =>
    (await client.call("imageList", { Filters: filters })).Images.flatMap((image) => image.RepoTags).sort();
  t.same(await tags(), ["busybox:latest", "localhost:5000/team/app:v1"]);
  t.same(await tags({ reference: ["busy*"] }), ["busybox:latest"]);
  await client.call("imageTag", { Name: "busybox", Target: "mirror/busybox:old" });
  t.same(await tags({ reference: ["busybox"] }), ["busybox:latest"], "of an image's names those that match");
  t.same(await tags({ reference: ["*/busybox:o*"] }), ["mirror/busybox:old"]);
  t.same(await tags({ reference: ["busybox:old"] }), []);
  await client.call("imageRemove", { Name: "mirror/busybox:old" });
  t.same(await tags({ label: ["tier=web"] }), ["localhost:5000/team/app:v1"]);
  t.same(await tags({ dangling: ["true"] }), []);
  await t.rejects(client.call("imageList", { Filters: { bogus: ["x"] } }), { code: "InvalidArgument" });

  const inspected = await client.call("imageInspect", { Name: "busybox" });
  t.match(inspected, {
    RepoTags: ["busybox:latest"],
    Os: "linux",
    Architecture: "amd64",
    RootFS: { Type: "layers", Layers: [] },
  });
  const id = String(inspected["Id"]);
  t.match(id, /^sha256:[0-9a-f]{64}$/);
  for (const name of [
    id,
    id.slice(7),
    id.slice(7, 19),
    "docker.io/library/busybox:latest",
    String((inspected["RepoDigests"] as string[])[0]),
  ]) {
    t.equal((await client.call("imageInspect", { Name: name }))["Id"], id, name);
  }
  await t.rejects(client.call("imageInspect", { Name: "absent" }), {
    code: "NotFound",
    message: "No such image: absent:latest",
  });
  await t.rejects(client.call("imageInspect", { Name: "UPPER" }), {
    code: "InvalidArgument",
    message: /invalid reference format/,
  });

  await client.call("imageTag", { Name: "busybox", Target: "mine" });
  t.same((await client.call("imageInspect", { Name: "mine" }))["RepoTags"], ["busybox:latest", "mine:latest"]);
  await t.rejects(client.call("imageRemove", { Name: id.slice(7, 19) }), {
    code: "FailedPrecondition",
    message: /image is referenced in multiple repositories/,
  });
  t.same((await client.call("imageRemove", { Name: "mine" })).Items, [{ Untagged: "mine:latest" }]);

  const user = await engine.create("sleep 600", {}, { Name: "user" });
  await t.rejects(client.call("imageRemove", { Name: "busybox" }), {
    code: "FailedPrecondition",
    message: `conflict: unable to remove repository reference "busybox" (must force) - container ${user.slice(0, 12)} is using its referenced image ${id.slice(7, 19)}`,
  });
  await client.call("containerStart", { Id: "user" });
  t.same(
    (await client.call("imageRemove", { Name: "busybox", Force: true })).Items,
    [{ Untagged: "busybox:latest" }],
    "a running container's image loses its name and stays",
  );
  t.same((await client.call("imageInspect", { Name: id }))["RepoTags"], []);
  await t.rejects(client.call("imageRemove", { Name: id, Force: true }), { message: /\(cannot be forced\)/ });
  await client.call("imageTag", { Name: id, Target: "busybox" });
  await client.call("containerRemove", { Id: "user", Force: true });
  t.same((await client.call("imageRemove", { Name: "busybox" })).Items, [
    { Untagged: "busybox:latest" },
    { Deleted: id },
  ]);
  await t.rejects(engine.create("true"), { code: "NotFound" }, "no stale answer");
});

test("inspect and info name the supervisor's snapshotter, also while it is away", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn } = engine;
  t.match(await client.call("info", {}), { Driver: "native", DriverStatus: [["Chosen because", "a test"]] });
  t.match(await client.call("imageInspect", { Name: "busybox" }), { GraphDriver: { Name: "native" } });
  const id = await engine.create("true");
  const expected = {
    Driver: "native",
    GraphDriver: { Name: "native" },
    Storage: { RootFS: { Snapshot: { Name: "native" } } },
  };
  t.match(await engine.inspect(id), expected);
  await standIn.stop();
  t.match(await engine.inspect(id), expected);
  await standIn.restart();
});

test("a tag that moves leaves its former image dangling", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn } = engine;
  const old = String((await client.call("imageInspect", { Name: "busybox" }))["Id"]);
  standIn.images.set(normalizeReference("newer"), standInImage("newer", {}));
  await client.call("imageTag", { Name: "newer", Target: "busybox" });
  const dangling = (await client.call("imageList", { Filters: { dangling: ["true"] } })).Images;
  t.match(dangling, [{ Id: old, RepoTags: [], RepoDigests: [] }]);
  t.same((await client.call("imageRemove", { Name: old })).Items, [{ Deleted: old }]);
});

test("a loaded image is found at once", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  await t.rejects(client.call("imageInspect", { Name: "loaded" }), { code: "NotFound" });
  const stream = client.open("imageLoad", {});
  await stream.send({}, Buffer.from("loaded"));
  stream.end();
  for await (const { value } of stream.items) t.equal(value.status, "Loading layer");
  t.same(await stream.result, { Loaded: ["loaded:latest"] });
  t.ok(await client.call("imageInspect", { Name: "loaded" }));
});

test("volumes: create, inspect, in use, remove, prune", async (t) => {
  await using engine = await engineUnderTest();
  const { client, root } = engine;
  const made = await client.call("volumeCreate", { Name: "data", Labels: { a: "b" } });
  t.match(made, { Name: "data", Driver: "local", Mountpoint: join(root, "volumes/data/_data"), Labels: { a: "b" } });
  t.same(await client.call("volumeCreate", { Name: "data" }), made, "a second time it is the same");
  await t.rejects(client.call("volumeCreate", { Name: "../x" }), { code: "InvalidArgument" });
  await t.rejects(client.call("volumeCreate", { Driver: "nfs" }), {
    code: "InvalidArgument",
    message: /plugin "nfs" not found/,
  });
  await t.rejects(client.call("volumeInspect", { Name: "absent" }), {
    code: "NotFound",
    message: "get absent: no such volume",
  });
  const id = await engine.create("true", { Binds: ["data:/d:ro", "/anonymous"] });
  t.match((await engine.inspect(id)).Mounts, [
    { Type: "volume", Name: "data", Destination: "/d", RW: false },
    { Type: "volume", Name: /^[0-9a-f]{64}$/, Destination: "/anonymous", RW: true },
  ]);
  await t.rejects(client.call("volumeRemove", { Name: "data" }), {
    code: "FailedPrecondition",
    message: `remove data: volume is in use - [${id}]`,
  });
  t.same((await client.call("volumePrune", { All: true })).VolumesDeleted, []);
  await client.call("containerRemove", { Id: id });
  const pruned = await client.call("volumePrune", {});
  t.equal(pruned.VolumesDeleted.length, 1, "only the anonymous one");
  await client.call("volumeRemove", { Name: "data" });
  t.notOk(existsSync(join(root, "volumes/data")));
});

test("an empty volume is filled with the image's content; one with content, or with nocopy, is not", async (t) => {
  await using engine = await engineUnderTest();
  const { client, standIn, root } = engine;
  // The stand-in gives every container the same root file system.
  const image = standIn.sharedRootfs();
  mkdirSync(join(image, "real/sub"), { recursive: true, mode: 0o750 });
  writeFileSync(join(image, "real/file"), "content", { mode: 0o640 });
  chownSync(join(image, "real/file"), 12, 34);
  chownSync(join(image, "real"), 56, 78);
  symlinkSync("file", join(image, "real/link"));
  symlinkSync("/real", join(image, "way"));
  const volume = (name: string, ...path: string[]) => join(root, "volumes", name, "_data", ...path);
  await engine.create("true", { Binds: ["filled:/way", "bare:/real:nocopy", "none:/absent"] });
  t.equal(readFileSync(volume("filled", "link"), "utf8"), "content");
  const file = statSync(volume("filled", "file"));
  t.same([file.uid, file.gid, file.mode & 0o7777], [12, 34, 0o640]);
  const top = statSync(volume("filled"));
  t.same([top.uid, top.gid], [56, 78]);
  t.ok(existsSync(volume("filled", "sub")));
  t.notOk(existsSync(volume("bare", "file")));
  writeFileSync(volume("filled", "file"), "changed");
  await engine.create("true", { Binds: ["filled:/real"] });
  t.equal(readFileSync(volume("filled", "file"), "utf8"), "changed");
  t.equal((await client.call("volumeList", {})).Volumes.length, 3);
});

test("a bind of a missing path creates a directory", async (t) => {
  await using engine = await engineUnderTest();
  const source = join(engine.root, "made/here");
  const id = await engine.create("true", { Binds: [`${source}:/x`] });
  await engine.client.call("containerStart", { Id: id });
  t.ok(statSync(source).isDirectory());
});

test("ps: fields and filters", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  const first = await engine.create("sleep 100", {}, { Name: "alpha", Config: { Labels: { role: "db" } } });
  const second = await engine.create("exit 4", {}, { Name: "beta" });
  for (const Id of [first, second]) await client.call("containerStart", { Id });
  await client.call("containerWait", { Id: second });
  const names = async (Filters: Record<string, string[]>, All = true) =>
    (await client.call("containerList", { All, Filters })).Containers.map((container) => container.Names[0]);
  t.same(await names({}, false), ["/alpha"]);
  t.same(await names({}), ["/beta", "/alpha"]);
  t.same(await names({ label: ["role=db"] }), ["/alpha"]);
  t.same(await names({ status: ["exited"] }, false), ["/beta"]);
  t.same(await names({ exited: ["4"] }), ["/beta"]);
  t.same(await names({ exited: ["5"] }), []);
  t.same(await names({ name: ["^al"] }), ["/alpha"]);
  t.same(await names({ id: [second.slice(0, 12)] }), ["/beta"]);
  t.same(await names({ ancestor: ["busybox"] }), ["/beta", "/alpha"]);
  t.same(await names({ since: ["alpha"] }), ["/beta"]);
  t.same(await names({ network: ["none"] }), ["/beta", "/alpha"]);
  await t.rejects(names({ bogus: ["x"] }), { code: "InvalidArgument", message: "invalid filter 'bogus'" });
  const { Containers } = await client.call("containerList", { Limit: 1, Size: true });
  t.match(Containers, [
    {
      Names: ["/beta"],
      Image: "busybox",
      Command: "sh -c 'exit 4'",
      State: "exited",
      Status: /^Exited \(4\)/,
      SizeRw: 4096,
    },
  ]);
});
