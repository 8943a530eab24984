import { chmodSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { NativeSys } from "@gantry/native-sys";
import { defaultCapabilities, defaultSeccompProfile } from "@gantry/oci-spec/runtime";
import { type Test, test } from "tap";
import { operations } from "../src/plan/generated/ops.ts";
import { createContainer } from "../src/run/create/create.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { execInContainer } from "../src/run/exec.ts";
import { waitForExit } from "../src/run/launch/wait.ts";
import { startContainer } from "../src/run/start.ts";
import { Box, cannotRun } from "./box.ts";
import { impossible, type RawOperation, tampered } from "./tamper.ts";

/** Creation is made to fail at every step, and the host must look as before. */

const skip = cannotRun() ?? false;

/** Possible leftovers of a failed creation on the host. */
function traces(box: Box): object {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  return {
    // Other programs of the machine mount, too.
    mounts: mountsOf(box.directory),
    cgroups: globSync(`/sys/fs/cgroup/{*/,}box-${process.pid}-*`),
    states: existsSync(box.store.root) ? readdirSync(box.store.root).filter((name) => !name.startsWith("@")) : [],
    children: children === "" ? [] : children.split(" "),
    descriptors: descriptors(),
    hooks: processesWith(`OCI_RUNTIME_TEST=${box.directory}`),
  };
}

function mountsOf(directory: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(directory));
}

/** The open files of this process, by target: numbers change. */
function descriptors(): string[] {
  const open: string[] = [];
  for (const fd of readdirSync("/proc/self/fd"))
    try {
      open.push(readlinkSync(`/proc/self/fd/${fd}`).replace(/\[\d+\]/, ""));
    } catch {
      // The directory that is being read.
    }
  return open.sort();
}

function processesWith(variable: string): string[] {
  return readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, "latin1").split("\0").includes(variable);
    } catch {
      return false;
    }
  });
}

/** Fails at every operation up to the wait for `start` in turn. */
async function failEverywhere(t: Test, box: Box): Promise<void> {
  // The first failure opens what stays open, such as the addon's watch of descriptors.
  const first = tampered(box.host, { edit: (plan) => plan.with(0, impossible) });
  await t.rejects(createContainer(first, box.store, box.request(box.newId(), [0, 1, 2])), { code: "ENOSYS" });
  const before = traces(box);
  let last = 0;
  for (let at = 0; at <= last; at++) {
    const edit = (plan: RawOperation[]) => {
      last = plan.findIndex(({ number }) => number === operations.wait.number);
      return plan.with(at, impossible);
    };
    const host = tampered(box.host, { edit });
    await t.rejects(createContainer(host, box.store, box.request(box.newId(), [0, 1, 2])), { code: "ENOSYS" });
    t.same(traces(box), before, `nothing is left after a failure at operation ${at + 1}`);
  }
  t.ok(last > 40, `${last} operations`);
}

test("a failure at any operation leaves nothing", { skip }, async (t) => {
  await using box = new Box();
  mkdirSync(join(box.rootfs, "old"));
  box.configure("true", (spec) => {
    const env = [`OCI_RUNTIME_TEST=${box.directory}`, "PATH=/bin:/usr/bin"];
    const linger = { path: "/bin/sh", args: ["sh", "-c", "sleep 1000 </dev/null >/dev/null 2>&1 &"], env };
    spec.hooks = { createContainer: [linger] };
    spec.process.noNewPrivileges = false;
    spec.linux.seccomp = defaultSeccompProfile(defaultCapabilities, process.arch);
    spec.mounts.push(
      { destination: "/data", type: "bind", source: box.directory, options: ["rbind"] },
      { destination: "/old", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] },
    );
  });
  await failEverywhere(t, box);
});

test("so it is with a helper that forks", { skip }, async (t) => {
  await using box = new Box();
  chmodSync(box.directory, 0o711);
  box.configure("true", (spec) => {
    spec.linux.namespaces?.push({ type: "user" }, { type: "time" });
    spec.linux.timeOffsets = { boottime: { secs: 100 } };
    spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  });
  await failEverywhere(t, box);
});

test("a failure of the runtime's own calls leaves nothing", { skip }, async (t) => {
  await using box = new Box();
  const { native } = box.host;
  const failing = (name: keyof NativeSys, count: number): Partial<NativeSys> => {
    let left = count;
    const call = (...args: unknown[]) => {
      if (--left === 0) throw Object.assign(new Error(`${name}: injected`), { code: "EIO" });
      return (native[name] as (...args: unknown[]) => unknown).apply(native, args);
    };
    return { [name]: call };
  };
  box.configure("true");
  const before = traces(box);
  const cases = [
    ...[failing("mknod", 1), failing("mknod", 2), failing("socketPair", 1), failing("spawn", 1)],
    ...[failing("socketSend", 1), failing("socketRecv", 1), failing("watchFd", 1)],
  ];
  for (const calls of cases) {
    const host = tampered(box.host, { calls });
    await t.rejects(createContainer(host, box.store, box.request(box.newId(), [0, 1, 2])), /injected/);
    t.same(traces(box), before, String(Object.keys(calls)));
  }
  const names = [
    { cgroupsPath: "line\nbreak" },
    { cgroupsPath: "/", resources: {} },
    { resources: { memory: { limit: 1 } } },
  ];
  for (const change of names) {
    box.configure("true", (spec) => {
      Object.assign(spec.linux, change);
    });
    await t.rejects(createContainer(box.host, box.store, box.request(box.newId(), [0, 1, 2])));
    t.same(traces(box), before, JSON.stringify(change).slice(0, 60));
  }
});

test("a failure between start and the program is reported, and delete leaves nothing", { skip }, async (t) => {
  await using box = new Box();
  box.configure("true", (spec) => {
    spec.linux.seccomp = defaultSeccompProfile(defaultCapabilities, process.arch);
  });
  const before = traces(box);
  for (const after of [1, 2]) {
    const edit = (plan: RawOperation[]) =>
      plan.with(plan.findIndex(({ number }) => number === operations.wait.number) + after, impossible);
    const id = box.newId();
    const host = tampered(box.host, { edit });
    const { pid, pidFd } = await createContainer(host, box.store, box.request(id, [0, 1, 2]));
    host.native.closeFd(pidFd);
    const ended = waitForExit(host, pid);
    await t.rejects(startContainer(host, box.store, id), { message: /operation 9999/ });
    t.equal(await ended, 255);
    await deleteContainer(host, box.store, { id, force: false });
    t.same(traces(box), before);
  }
});

test("a failure of an exec leaves the container as it was", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60");
  await using container = await box.start();
  const before = { ...traces(box), pids: box.cgroupPids(container.id) };
  let count = 1;
  for (let at = 0; at < count; at++) {
    const edit = (plan: RawOperation[]) => {
      count = plan.length;
      return plan.with(at, impossible);
    };
    await t.rejects(
      execInContainer(tampered(box.host, { edit }), box.store, {
        id: container.id,
        process: { cwd: "/", args: ["true"], env: ["PATH=/bin"] },
        stdio: [0, 1, 2],
        preserve: [],
        consoleSocket: undefined,
        sibling: false,
      }),
      { code: "ENOSYS" },
    );
    t.same({ ...traces(box), pids: box.cgroupPids(container.id) }, before, `operation ${at + 1}`);
  }
});
