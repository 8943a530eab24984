import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRunAsUser, type RootlessSpec, range, UserBox, uid } from "./user-box.ts";

/** Containers of an ordinary user, who has no rights over the host: not its cgroups, not its network. */

const skip = cannotRunAsUser() ?? false;

test("a user's own id alone: run, its status, its files, nothing left", { skip }, async (t) => {
  await using box = new UserBox();
  box.configure("id -u; touch /tmp/x; cat /proc/self/uid_map; cat /proc/self/setgroups; exit 7", (spec) => {
    spec.root = { path: "rootfs" };
  });
  const { status, stdout, stderr } = box.cli("run", "box");
  t.equal(status, 7, stderr);
  t.match(stdout, new RegExp(`^0\\n\\s+0\\s+${uid}\\s+1\\ndeny\\n$`));
  t.same(
    readdirSync(box.store).filter((name) => !name.startsWith("@")),
    [],
    "the state was in XDG_RUNTIME_DIR",
  );
  box.configure("true", (spec) => {
    spec.process.user = { uid: 0, gid: 0, additionalGids: [5] };
  });
  t.match(box.cli("run", "box").stderr, /process\.user\.additionalGids cannot be set/);
});

test("ids of /etc/subuid through newuidmap: other users, groups, exec", { skip }, async (t) => {
  await using box = new UserBox();
  box.configure("id -u; id -G; cat /proc/self/setgroups; sleep 60", (spec) => {
    range(spec);
    spec.process.user = { uid: 1000, gid: 1000, additionalGids: [10] };
    spec.process.noNewPrivileges = false;
  });
  const created = box.call(["sh", "-c", `exec "$@" > ${box.store}.out 2>&1`, "sh"], ["create", "box"]);
  t.equal(created.status, 0, created.stderr);
  t.match(JSON.parse(box.cli("state", "box").stdout), { status: "created", owner: "tester" });
  t.equal(box.cli("start", "box").status, 0);
  const exec = box.cli("exec", "--user", "5:6", "box", "sh", "-c", "id -u; id -g; exit 3");
  t.same([exec.status, exec.stdout], [3, "5\n6\n"], exec.stderr);
  await waitFor(() => readFileSync(`${box.store}.out`, "utf8").includes("allow"), { timeoutMs: 30_000 });
  t.equal(readFileSync(`${box.store}.out`, "utf8"), "1000\n1000 10\nallow\n");
  for (const command of ["pause", "resume"])
    t.match(box.cli(command, "box").stderr, /needs cgroups|is running/, command);
  t.match(box.cli("update", "--memory", "67108864", "box").stderr, /linux\.resources\.memory: needs cgroups/);
  t.match(box.cli("events", "--stats", "box").stderr, /needs cgroups/);
  t.equal(box.cli("kill", "box", "KILL").status, 0);
  await waitFor(() => JSON.parse(box.cli("state", "box").stdout).status === "stopped", { timeoutMs: 30_000 });
  t.equal(box.cli("delete", "box").status, 0);
});

test("a terminal needs no root", { skip }, async (t) => {
  await using box = new UserBox();
  box.configure("test -t 0 && echo terminal; tty; id -u", (spec) => {
    range(spec);
    spec.process.terminal = true;
  });
  const { status, stdout } = box.call(
    ["sh", "-c", 'exec script -qec "$(printf "%s " "$@")" /dev/null', "sh"],
    ["run", "box"],
  );
  // script(1) passes the end of its own input on, which the terminal echoes at any place.
  const shown = stdout.replace(/\^[@D][\b]*/g, "");
  t.match(shown, /terminal\r?\n\/dev\/(console|pts\/0)\r?\n0\r?\n/);
  t.equal(status, 0);
});

test("requests beyond a user's rights are refused with a reason, and leave nothing", { skip }, async (t) => {
  await using box = new UserBox();
  const refused = (change: (spec: RootlessSpec) => void, message: RegExp) => {
    box.configure("true", change);
    const { status, stderr } = box.cli("run", "box");
    t.equal(status, 1);
    t.match(stderr, message);
    t.match(box.cli("list", "-q").stdout, /^$/);
  };
  refused((spec) => {
    const mappings = [{ containerID: 0, hostID: 300_000, size: 1 }];
    Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings });
  }, /linux\.uidMappings cannot be used: newuidmap: uid range \[0-1\) -> \[300000-300001\) not allowed/);
  refused((spec) => {
    spec.linux.resources = { pids: { limit: 5 } };
  }, /linux\.resources\.pids: needs cgroups, and this user may not make any/);
  refused((spec) => {
    spec.linux.cgroupsPath = "mine";
  }, /linux\.cgroupsPath: making the cgroup .*EACCES/);
  refused((spec) => {
    spec.linux.namespaces = [{ type: "mount" }];
    delete spec.linux.uidMappings;
    delete spec.linux.gidMappings;
    delete spec.hostname;
  }, /making new namespaces: .*EPERM/);
  box.configure("true");
  t.match(box.cli("--rootless=false", "run", "box").stderr, /linux\.cgroupsPath: making the cgroup .*EACCES/);
  t.equal(box.cli("--rootless=true", "run", "box").status, 0);
  chownSync(box.store, 0, 0);
  chmodSync(box.store, 0o700);
  t.match(box.cli("run", "box").stderr, /EACCES/);
  chownSync(box.store, uid, uid);
});

/** A part of version 2's tree that is the user's, with the user's processes in a leaf, as systemd hands it over. */
function delegated(): Disposable & { readonly path: string; readonly own: string } {
  const path = `/sys/fs/cgroup/gantry-test-${process.pid}`;
  const own = join(path, "own");
  mkdirSync(path);
  for (const controller of ["memory", "pids"]) {
    writeFileSync("/sys/fs/cgroup/cgroup.subtree_control", `+${controller}`);
    writeFileSync(join(path, "cgroup.subtree_control"), `+${controller}`);
  }
  mkdirSync(own);
  for (const directory of [path, own])
    for (const name of ["", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"])
      chownSync(join(directory, name), uid, uid);
  return {
    path,
    own,
    [Symbol.dispose]: () => {
      for (const directory of [own, path]) rmdirSync(directory);
    },
  };
}

test("in a part of the cgroup tree that was given to the user: limits, pause, figures, and nothing left", {
  skip: skip || (existsSync("/sys/fs/cgroup/cgroup.controllers") ? false : "needs pure cgroup v2: tools/vm has it"),
}, async (t) => {
  using tree = delegated();
  await using box = new UserBox(tree.own);
  box.configure("sleep 60", (spec) => {
    spec.linux.resources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } };
  });
  const ok = (...args: string[]) => {
    const { status, stdout, stderr } = box.call(["sh", "-c", 'exec "$@" 2>&1', "sh"], args);
    t.equal(status, 0, `${args[0]}: ${stdout}${stderr}`);
    return stdout;
  };
  const file = (name: string) => readFileSync(join(tree.path, "box", name), "utf8").trim();
  // Its streams must not be the pipes that this waits for.
  t.equal(box.call(["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh"], ["run", "-d", "box"]).status, 0);
  t.same([file("memory.max"), file("pids.max")], [String(64 << 20), "20"]);
  t.match(ok("exec", "box", "cat", "/proc/self/cgroup"), /^0::\/\n$/, "in the container's own cgroup");
  ok("pause", "box");
  t.match(file("cgroup.events"), /frozen 1/);
  ok("resume", "box");
  ok("update", "--pids-limit", "30", "box");
  t.equal(file("pids.max"), "30");
  t.match(JSON.parse(ok("events", "--stats", "box")).data.memory.usage.limit, 64 << 20);
  ok("delete", "--force", "box");
  t.same(
    readdirSync(tree.path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
    ["own"],
  );
});
