import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { IdMapping, Mount } from "@gantry/oci-spec/runtime";
import { test } from "tap";
import { Box, cannotRun } from "./box.ts";

/** Id-mapped mounts: whose the files of a bind mount seem to be, inside and outside. */

const skip = cannotRun() ?? false;
const map = (containerID: number, hostID: number, size = 1): IdMapping => ({ containerID, hostID, size });
const both = (...mappings: IdMapping[]) => ({ uidMappings: mappings, gidMappings: mappings });

function data(box: Box): string {
  const path = join(box.directory, "data");
  mkdirSync(path);
  mkdirSync(join(box.rootfs, "data"));
  writeFileSync(join(path, "file"), "");
  chownSync(join(path, "file"), 1000, 1000);
  chmodSync(box.directory, 0o711);
  return path;
}

async function run(box: Box, script: string, mount: Partial<Mount>, userNamespace = false) {
  box.configure(script, (spec) => {
    spec.root = { path: "rootfs" };
    spec.mounts.push({ destination: "/data", type: "bind", ...mount });
    if (!userNamespace) return;
    spec.linux.namespaces?.push({ type: "user" });
    Object.assign(spec.linux, both(map(0, 100_000, 65_536)));
  });
  return box.run();
}

test("a mount with mappings of its own", { skip }, async (t) => {
  await using box = new Box();
  const source = data(box);
  const options = ["rbind", "idmap"];
  const mappings = both(map(1000, 0), map(0, 2000));
  const { stdout, stderr } = await run(box, "stat -c %u:%g /data/file /data", { source, options, ...mappings });
  t.equal(stdout, "0:0\n2000:2000\n", stderr);
  const write = await run(box, "touch /data/new; stat -c %u /data/new", { source, options, ...mappings });
  t.equal(write.stdout, "0\n", write.stderr);
  t.equal(statSync(join(source, "new")).uid, 1000, "what root makes is the other one's outside");
});

test("with a user namespace: its mapping, or one of the mount's own", { skip }, async (t) => {
  await using box = new Box();
  const source = data(box);
  const script = "stat -c %u /data/file; touch /data/made; stat -c %u /data/made";
  chmodSync(source, 0o777);
  const plain = await run(box, "stat -c %u /data/file", { source, options: ["bind"] }, true);
  t.equal(plain.stdout, "65534\n", "without a mapping the host's ids are nobody's");
  const mapped = await run(box, script, { source, options: ["bind", "idmap"] }, true);
  t.equal(mapped.stdout, "1000\n0\n", mapped.stderr);
  t.equal(statSync(join(source, "made")).uid, 0);
  const own = both(map(1000, 100_000));
  const other = await run(box, "stat -c %u /data/file", { source, options: ["bind", "ridmap", "ro"], ...own }, true);
  t.equal(other.stdout, "0\n", other.stderr);
  t.match((await run(box, "touch /data/x", { source, options: ["bind", "idmap", "ro"] }, true)).stderr, /Read-only/);
});

test("mounts that cannot be mapped are refused by name, and nothing is left", { skip }, async (t) => {
  await using box = new Box();
  const mounts = () => readFileSync("/proc/self/mountinfo", "utf8");
  const before = mounts();
  const mappings = both(map(0, 1));
  for (const [mount, message] of [
    [
      { source: "/proc", options: ["bind", "idmap"] },
      /mounts\[7\]: mapping the owners of \/proc: its file system cannot/,
    ],
    [{ source: "/nowhere", options: ["bind", "idmap"] }, /mounts\[7\]: mapping the owners of \/nowhere: .*ENOENT/],
    [
      { source: box.directory, options: ["bind", "idmap"], ...both(map(0, 0, 1), map(0, 1, 1)) },
      /mounts\[7\]\.uidMappings cannot be used/,
    ],
  ] as const)
    await t.rejects(run(box, "true", { ...mappings, ...mount, options: [...mount.options] }), { message });
  t.equal(mounts(), before);
  t.same(box.store.list(), []);
});
