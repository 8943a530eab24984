import { execFileSync } from "node:child_process";
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RpcError } from "@gantry/ipc";
import { nativeSys } from "@gantry/native-sys";
import { test } from "tap";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");

const bytes = (directory: string, name: Buffer) => Buffer.concat([Buffer.from(`${directory}/`), name]);

test("a volume is filled with names that are not UTF-8, hard links and times to the nanosecond", async (t) => {
  await using engine = await engineUnderTest();
  const source = join(engine.standIn.sharedRootfs(), "data");
  mkdirSync(source);
  const name = Buffer.from([0x61, 0xff]);
  writeFileSync(bytes(source, name), "odd");
  linkSync(bytes(source, name), join(source, "second"));
  nativeSys().utimens(join(source, "second"), 5n, 1_600_000_000_123_456_789n, false);
  await engine.create("true", { Binds: ["vol:/data"] });
  const data = join(engine.root, "volumes/vol/_data");
  t.equal(readFileSync(bytes(data, name), "utf8"), "odd");
  const second = lstatSync(join(data, "second"), { bigint: true });
  t.equal(second.ino, lstatSync(bytes(data, name), { bigint: true }).ino, "one file with two names");
  t.equal(second.mtimeNs, 1_600_000_000_123_456_789n);
  t.same(readdirSync(join(engine.root, "volumes/vol")), ["_data"]);
});

test("a fill that fails leaves the volume empty, and the next one fills it", async (t) => {
  await using engine = await engineUnderTest();
  const source = join(engine.standIn.sharedRootfs(), "data");
  mkdirSync(source);
  writeFileSync(join(source, "a"), "small");
  writeFileSync(join(source, "b"), Buffer.alloc(4 << 20, "large"));
  const volumes = join(engine.root, "volumes");
  mkdirSync(volumes, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", volumes]);
  try {
    await engine.client.call("volumeCreate", { Name: "vol" });
    await t.rejects(engine.create("true", { Binds: ["vol:/data"] }, { Name: "user" }), {
      message: /ENOSPC|no space left/i,
    });
    t.same(readdirSync(join(volumes, "vol/_data")), []);
    t.same(readdirSync(join(volumes, "vol")), ["_data"], "nothing of the copy is left");
    execFileSync("mount", ["-o", "remount,size=16m", volumes]);
    await engine.create("true", { Binds: ["vol:/data"] }, { Name: "user" });
    t.same(readdirSync(join(volumes, "vol/_data")).sort(), ["a", "b"]);
  } finally {
    execFileSync("umount", ["-l", volumes]);
  }
});

test("of several containers that fill one fresh volume at the same time all are created, and it is filled once", async (t) => {
  await using engine = await engineUnderTest();
  const source = join(engine.standIn.sharedRootfs(), "data");
  mkdirSync(source);
  for (let index = 0; index < 100; index++) writeFileSync(join(source, `file${index}`), String(index));
  linkSync(join(source, "file0"), join(source, "link"));
  await Promise.all(Array.from({ length: 16 }, () => engine.create("true", { Binds: ["vol:/data"] })));
  const data = join(engine.root, "volumes/vol/_data");
  t.equal(readdirSync(data).length, 101);
  t.equal(lstatSync(join(data, "file0")).nlink, 2);
  t.notOk(existsSync(join(engine.root, "volumes/vol/_partial")));
});

test("a failed create removes its volumes, and leaves existing ones", async (t) => {
  await using engine = await engineUnderTest();
  const { client } = engine;
  await client.call("volumeCreate", { Name: "before" });
  const request = {
    Config: { Image: "busybox", Cmd: ["true"], Volumes: { "/anonymous": {} } },
    HostConfig: { NetworkMode: "none", Binds: ["before:/a", "made:/b"] },
  };
  engine.standIn.hooks.set("snapshots.prepare", async () => {
    t.equal(readdirSync(join(engine.root, "volumes")).length, 3, "the volumes are there before the root file system");
    throw new RpcError("ResourceExhausted", "no space left");
  });
  await t.rejects(client.call("containerCreate", request), { code: "ResourceExhausted" });
  const { Volumes } = await client.call("volumeList", {});
  t.same(
    Volumes.map(({ Name }) => Name),
    ["before"],
  );
  t.same(readdirSync(join(engine.root, "volumes")), ["before"]);
});
