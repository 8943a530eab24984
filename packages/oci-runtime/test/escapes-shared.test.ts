import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { createContainer } from "../src/run/create/create.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { waitForExit } from "../src/run/launch/wait.ts";
import { startContainer } from "../src/run/start.ts";
import { Box, cannotRun } from "./box.ts";

/** Attacks through what a container and its host have in common: mounts, shared memory, a terminal. */

const skip = cannotRun() ?? false;
const hostMounts = () => readFileSync("/proc/self/mountinfo", "utf8");

test("shared mounts: a container's mounts in a volume stay with it, unless shared explicitly", { skip }, async (t) => {
  await using box = new Box();
  const volume = join(box.directory, "volume");
  mkdirSync(join(volume, "inner"), { recursive: true });
  execFileSync("mount", ["--bind", volume, volume]);
  using _unmounted = { [Symbol.dispose]: () => void execFileSync("umount", ["-R", volume]) };
  execFileSync("mount", ["--make-shared", volume]);
  const attack = (options: string[], rootfsPropagation?: string) => {
    box.configure("mount -t tmpfs evil /volume/inner && echo mounted", (spec) => {
      spec.root = { path: "rootfs" };
      const all = ["CAP_SYS_ADMIN"];
      spec.process.capabilities = { bounding: all, effective: all, permitted: all };
      if (rootfsPropagation) spec.linux.rootfsPropagation = rootfsPropagation;
      spec.mounts.push({ destination: "/volume", type: "bind", source: volume, options });
    });
    return box.run();
  };
  for (const options of [["rbind"], ["bind"], ["rbind", "rprivate"], ["rbind", "rslave"]]) {
    t.match((await attack(options)).stdout, /mounted/, options.join());
    t.notMatch(hostMounts(), /evil/, options.join());
  }
  t.match((await attack(["rbind", "rshared"], "shared")).stdout, /mounted/);
  t.match(hostMounts(), / - tmpfs evil /, "shared is what was asked for");
});

test("CVE-2023-25809 and shared memory: links of an image in /dev and /sys lead nowhere else", { skip }, async (t) => {
  await using box = new Box();
  const outside = join(box.directory, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "host\n");
  rmSync(join(box.rootfs, "dev"), { recursive: true });
  mkdirSync(join(box.rootfs, "dev"));
  symlinkSync(outside, join(box.rootfs, "dev/shm"));
  symlinkSync("../../../../../../../../dev/shm", join(box.rootfs, "dev/mqueue"));
  box.configure(
    "ls /dev/shm; echo x > /dev/shm/x; grep -c ' /sys/fs/cgroup' /proc/mounts; echo 1 > /sys/fs/cgroup/memory/x",
    (spec) => {
      spec.root = { path: "rootfs" };
      spec.mounts = spec.mounts.filter(({ destination }) => destination !== "/dev" && destination !== "/dev/mqueue");
    },
  );
  const { stdout, stderr } = await box.run();
  t.notMatch(stdout, /^file$/m, "the tmpfs is inside");
  t.match(stderr, /\/sys\/fs\/cgroup\/memory\/x/, "cgroups are read-only");
  t.same(execFileSync("ls", [outside], { encoding: "utf8" }), "file\n", "nothing was written outside");
});

test("terminal injection: no process types into the terminal of who has started it", { skip }, async (t) => {
  await using box = new Box();
  const probe = new URL("inject-probe.c", import.meta.url).pathname;
  execFileSync("musl-gcc", ["-static", "-Os", "-o", join(box.rootfs, "bin/inject"), probe]);
  const { master, slave } = box.host.native.openpty();
  t.teardown(() => {
    closeSync(master);
    closeSync(slave);
  });
  box.host.native.setNonBlocking(master, true);
  box.configure("inject > /out; sleep 60", (spec) => {
    spec.root = { path: "rootfs" };
  });
  const id = box.newId();
  const { pid, pidFd } = await createContainer(box.host, box.store, box.request(id, [slave, slave, slave]));
  box.host.native.closeFd(pidFd);
  const ended = waitForExit(box.host, pid);
  await startContainer(box.host, box.store, id);
  const exec = await box.exec(id, "inject 0<&2");
  t.match(exec.stdout, /^0: /);
  const output = () => readFileSync(join(box.rootfs, "out"), "utf8");
  await waitFor(() => /^2: .*\n/m.test(output()), { timeoutMs: 30_000 });
  await deleteContainer(box.host, box.store, { id, force: true });
  await ended;
  const said = output();
  t.match(said, /^0: .*\n1: .*\n2: /);
  t.notMatch(said, /typed/, said);
  const typed = Buffer.alloc(16);
  const read = () => {
    const input = openSync(`/proc/self/fd/${slave}`, "r+");
    try {
      box.host.native.setNonBlocking(input, true);
      return readSync(input, typed);
    } finally {
      closeSync(input);
    }
  };
  t.throws(read, { code: "EAGAIN" }, "nothing waits to be read as typed");
});
