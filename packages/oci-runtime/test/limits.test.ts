import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { S_IFCHR } from "@gantry/native-sys";
import { test } from "tap";
import { createContainer } from "../src/run/create/create.ts";
import { killContainer } from "../src/run/kill.ts";
import { Box, cannotRun } from "./box.ts";

/** Limits that the specification lets the runtime refuse, ignore or restore. */

const skip = cannotRun() ?? false;

test("capabilities that cannot be granted are passed over with a warning", { skip }, async (t) => {
  await using box = new Box();
  const own = BigInt(`0x${box.host.facts.permittedCapabilities}`);
  const missing = own === (1n << BigInt(box.host.facts.lastCapability + 1)) - 1n ? [] : ["CAP_SYS_RESOURCE"];
  const names = ["CAP_CHOWN", "CAP_OF_TOMORROW", ...missing];
  box.configure("grep CapPrm /proc/self/status", (spec) => {
    spec.process.capabilities = { bounding: names, permitted: names, effective: names };
  });
  t.equal((await box.run()).stdout, "CapPrm:\t0000000000000001\n");
  t.match(box.warnings, [/CAP_OF_TOMORROW is unknown, or not/, ...missing.map((name) => new RegExp(name))]);
});

test("an existing device node must match the requested one", { skip }, async (t) => {
  await using box = new Box();
  const device = { path: "/nodes/zero", type: "c", major: 1, minor: 5, fileMode: 0o600 } as const;
  const prepare = (make: (path: string) => void) => {
    execFileSync("rm", ["-rf", join(box.rootfs, "nodes")]);
    mkdirSync(join(box.rootfs, "nodes"));
    make(join(box.rootfs, "nodes/zero"));
    box.configure("stat -c '%t:%T %a' /nodes/zero", (spec) => {
      spec.linux.devices = [device];
    });
    return box.run();
  };
  const node = (minor: number) => (path: string) => box.host.native.mknod(path, S_IFCHR | 0o644, 1, minor);
  t.equal((await prepare(() => {})).stdout, "1:5 600\n");
  t.equal((await prepare(node(5))).stdout, "1:5 644\n", "the same is left as it is");
  const refused = { message: /making \/nodes\/zero: another file has its place: EEXIST.*linux\.devices\[0\]/ };
  await t.rejects(prepare(node(3)), refused);
  await t.rejects(
    prepare((path) => writeFileSync(path, "")),
    refused,
  );
  await t.rejects(
    prepare((path) => symlinkSync("/dev/zero", path)),
    refused,
  );
});

test("a remount changes an existing mount", { skip }, async (t) => {
  await using box = new Box();
  box.configure("touch /tmp/x; grep ' /tmp ' /proc/mounts", (spec) => {
    spec.mounts.push(
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["sync", "dirsync", "lazytime", "silent"] },
      { destination: "/tmp", options: ["bind", "remount", "ro", "noexec"] },
    );
  });
  const { stdout, stderr } = await box.run();
  t.match(stderr, /touch: \/tmp\/x: Read-only file system/);
  t.match(stdout, /tmpfs \/tmp tmpfs ro,.*noexec/);
  t.match(stdout, /sync,dirsync/);
});

test("cgroups above a container's go when its creation fails, and stay when others are there", { skip }, async (t) => {
  await using box = new Box();
  const id = box.newId();
  const [hierarchy] = box.host.facts.cgroup.hierarchies;
  const above = join(hierarchy?.mountpoint ?? "", `above-${id}`);
  box.configure("true", (spec) => {
    spec.linux.cgroupsPath = `/above-${id}/below/${id}`;
    spec.process.args = ["nothing-of-that-name"];
  });
  await t.rejects(createContainer(box.host, box.store, box.request(id, [0, 1, 2])), /executable file not found/);
  t.notOk(existsSync(above));
});

test("a signal reaches the container's process, never another that has its number by now", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60");
  await using container = await box.start();
  const record = box.store.load(container.id);
  box.store.save({ ...record, pid: process.pid });
  const kill = killContainer(box.host, box.store, { id: container.id, signal: 0, all: false });
  await t.rejects(kill, { code: "FailedPrecondition" });
  box.store.save(record);
  await killContainer(box.host, box.store, { id: container.id, signal: 9, all: false });
  t.equal(await container.ended, 137);
});

test("descriptors that are to be kept must be there", { skip }, async (t) => {
  await using box = new Box();
  box.configure("true");
  const { status, stderr } = box.cli(["run", "--preserve-fds", "1", box.newId()]);
  t.equal(status, 1);
  t.match(stderr, /--preserve-fds 1: descriptor 3 is not the caller's: it gave fewer/);
  t.same(box.store.list(), []);
});

test("unread fields and other systems' parts do no harm", { skip }, async (t) => {
  await using box = new Box();
  box.configure("umask; id -G", (spec) => {
    spec.process.user = {
      uid: 0,
      gid: 0,
      umask: 0o27,
      additionalGids: [7],
      username: "x",
    } as typeof spec.process.user & object;
    Object.assign(spec.process, { commandLine: "cmd" });
    Object.assign(spec, { windows: { layerFolders: [] }, vm: {}, solaris: {}, zos: {}, freebsd: {} });
  });
  t.equal((await box.run()).stdout, "0027\n0 7\n");
});
