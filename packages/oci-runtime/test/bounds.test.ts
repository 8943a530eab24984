import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cgroupPaths } from "../src/cgroup/paths.ts";
import { createContainer } from "../src/run/create/create.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { execInContainer } from "../src/run/exec.ts";
import { startContainer } from "../src/run/start.ts";
import { Box, cannotRun } from "./box.ts";
import { pause, type RawOperation, tampered } from "./tamper.ts";

/** Nothing that a cgroup, a stopped process or a program of the host does makes a command wait for ever. */

const skip = cannotRun() ?? false;
const waitLimitMs = 1000;
const silent = /the init helper has not reported for 1 s/;

/** The files that freeze a cgroup, in each hierarchy of this machine that can. */
function freezers(box: Box, name: string): { directory: string; set: (frozen: boolean) => void }[] {
  const paths = cgroupPaths(box.host.facts, name, name);
  return box.host.facts.cgroup.hierarchies.flatMap(({ name: hierarchy, version, controllers }) => {
    const directory = paths[hierarchy] ?? "";
    if (version === 2)
      return [{ directory, set: (on: boolean) => writeFileSync(join(directory, "cgroup.freeze"), on ? "1" : "0") }];
    if (!controllers.includes("freezer")) return [];
    const set = (on: boolean) => writeFileSync(join(directory, "freezer.state"), on ? "FROZEN" : "THAWED");
    return [{ directory, set }];
  });
}

test("a cgroup that is frozen, itself or by an ancestor, is refused at once and left as it was", {
  skip,
}, async (t) => {
  await using box = new Box({ waitLimitMs });
  const name = `bounds-${process.pid}`;
  const all = freezers(box, name);
  t.ok(all.length > 0);
  for (const { directory, set } of all) {
    mkdirSync(directory);
    try {
      set(true);
      for (const cgroupsPath of [`/${name}`, `/${name}/below/it`]) {
        box.configure("true", (spec) => {
          spec.linux.cgroupsPath = cgroupsPath;
        });
        await t.rejects(box.run(), { message: /linux\.cgroupsPath: .* is frozen/ }, `${cgroupsPath} of ${directory}`);
        t.same(box.store.list(), [], "no container is left in the state creating");
        t.ok(existsSync(directory), "another owner's cgroup stays");
        t.notOk(existsSync(join(directory, "below")));
      }
      set(false);
      box.configure("echo ran", (spec) => {
        spec.linux.cgroupsPath = `/${name}`;
      });
      t.equal((await box.run()).stdout, "ran\n", "thawed and empty it can be used");
    } finally {
      if (existsSync(directory)) {
        set(false);
        rmdirSync(directory);
      }
    }
  }
});

test("a cgroup with processes of others is refused at once", { skip }, async (t) => {
  await using box = new Box({ waitLimitMs });
  box.configure("sleep 1000");
  await using other = await box.start();
  box.configure("true", (spec) => {
    spec.linux.cgroupsPath = `/${other.id}`;
  });
  await t.rejects(box.run(), { message: /is in use by other processes/ });
  t.ok(box.cgroupPids(other.id).includes(other.pid));
});

const pauseFirst = (plan: RawOperation[]) => {
  const mount = plan.findIndex(({ number }) => number === 11);
  return plan.toSpliced(Math.max(0, mount), 0, pause);
};

test("create: a helper that is frozen or stopped on its way is given up, and nothing is left of it", {
  skip,
}, async (t) => {
  await using box = new Box({ waitLimitMs });
  box.configure("true");
  const stop = (id: string) => {
    for (const pid of box.cgroupPids(id)) process.kill(pid, "SIGSTOP");
  };
  const freeze = (id: string) => freezers(box, id)[0]?.set(true);
  for (const holdUp of [stop, freeze]) {
    const id = box.newId();
    const helpers: number[] = [];
    const atSync = () => {
      helpers.push(...box.cgroupPids(id));
      holdUp(id);
    };
    const host = tampered(box.host, { edit: pauseFirst, atSync });
    await t.rejects(createContainer(host, box.store, box.request(id, [0, 1, 2])), { message: silent });
    t.same(box.store.list(), []);
    t.ok(helpers.length > 0);
    for (const { directory } of freezers(box, id)) t.notOk(existsSync(directory));
    await waitFor(() => helpers.every((pid) => !existsSync(`/proc/${pid}`) || isZombie(pid)));
  }
});

function isZombie(pid: number): boolean {
  return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

test("start and exec: a process that is stopped is waited for no longer than the limit", { skip }, async (t) => {
  await using box = new Box({ waitLimitMs });
  box.configure("sleep 1000");
  const id = box.newId();
  const { pid, pidFd } = await createContainer(box.host, box.store, box.request(id, [0, 1, 2]));
  box.host.native.closeFd(pidFd);
  process.kill(pid, "SIGSTOP");
  await t.rejects(startContainer(box.host, box.store, id), {
    message: /the container's process has not become its program within 1 s/,
  });
  process.kill(pid, "SIGCONT");
  await deleteContainer(box.host, box.store, { id, force: true });
  await using container = await box.start();
  const before = new Set(box.cgroupPids(container.id));
  const atSync = () => {
    for (const one of box.cgroupPids(container.id)) if (!before.has(one)) process.kill(one, "SIGSTOP");
  };
  const host = tampered(box.host, { edit: (plan) => plan.toSpliced(-1, 0, pause), atSync });
  const exec = {
    id: container.id,
    process: { cwd: "/", args: ["true"], env: ["PATH=/bin"] },
    stdio: [0, 1, 2] as const,
    preserve: [],
    consoleSocket: undefined,
    sibling: false,
  };
  await t.rejects(execInContainer(host, box.store, exec), { message: silent });
});

test("hooks that do not read their input, or that exceed their timeout", { skip }, async (t) => {
  await using box = new Box({ waitLimitMs });
  const long = { long: "x".repeat(1 << 18) };
  for (const point of ["createContainer", "startContainer"] as const) {
    const root = point === "startContainer" ? "" : box.rootfs;
    const hook = (script: string) => ({ path: `${root}/bin/busybox`, args: ["sh", "-c", script], timeout: 1 });
    box.configure("echo ran", (spec) => {
      spec.annotations = long;
      spec.hooks = { [point]: [hook("exec <&-; exit 0")] };
    });
    t.equal((await box.run()).stdout, "ran\n", `${point}: a document larger than a pipe`);
    box.configure("echo ran", (spec) => {
      spec.annotations = long;
      spec.hooks = { [point]: [hook("while :; do sleep 60; done")] };
    });
    await t.rejects(box.run(), { message: /took longer than 1 s/ }, point);
  }
  t.same(box.store.list(), []);
});
