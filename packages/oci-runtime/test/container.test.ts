import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { S_IFIFO } from "@gantry/native-sys";
import { defaultCapabilities, defaultSeccompProfile } from "@gantry/oci-spec/runtime";
import { missing, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { createContainer } from "../src/run/create/create.ts";
import { deleteContainer } from "../src/run/delete.ts";
import { containerState } from "../src/run/inspect.ts";
import { killContainer } from "../src/run/kill.ts";
import { Box, cannotRun } from "./box.ts";

const skip = cannotRun() ?? false;

/** Fields of a container's /proc/self/status by name. */
function statusFields(text: string): Record<string, string> {
  return Object.fromEntries(text.split("\n").map((line) => line.split(":\t")));
}

test("a program runs in namespaces of its own, as process 1, with nothing else open", { skip }, async (t) => {
  await using box = new Box();
  box.configure(
    "echo $$; hostname; ls /proc/self/fd; ls /proc/1/fd; for n in pid net ipc uts mnt; do readlink /proc/self/ns/$n; done; cat /proc/net/dev; exit 7",
  );
  const { status, stdout, stderr } = await box.run();
  t.equal(status, 7);
  t.equal(stderr, "");
  const lines = stdout.trim().split("\n");
  t.same(lines.slice(0, 2), ["1", "runc"]);
  t.same(lines.slice(2, 9), ["0", "1", "2", "3", "0", "1", "2"], "3 is ls's own");
  for (const [at, name] of ["pid", "net", "ipc", "uts", "mnt"].entries())
    t.not(lines[9 + at], readlinkSync(`/proc/self/ns/${name}`));
  t.match(stdout, /^ +lo:/m);
});

test("rights: capabilities, no_new_privs, seccomp, user, groups, limits, umask, HOME", { skip }, async (t) => {
  await using box = new Box();
  box.configure("cat /proc/self/status; umask; ulimit -n; echo $HOME; unshare -U true", (spec) => {
    spec.process.user = { uid: 1000, gid: 1000, additionalGids: [10, 20], umask: 0o27 };
    spec.linux.seccomp = defaultSeccompProfile(defaultCapabilities, process.arch);
  });
  const { stdout, stderr } = await box.run();
  const fields = statusFields(stdout);
  t.match(fields, {
    Uid: /^1000\t1000\t1000\t1000$/,
    Groups: /^10 20 ?$/,
    NoNewPrivs: "1",
    Seccomp: "2",
    CapEff: "0000000000000000",
    CapBnd: "00000000a80425fb",
  });
  t.same(stdout.trim().split("\n").slice(-3), ["0027", "1024", "/home/user"]);
  t.match(stderr, /unshare.*not permitted/i, "the filter refuses a new user namespace");
  box.configure("cat /proc/self/status", (spec) => {
    spec.process.noNewPrivileges = false;
    spec.process.capabilities = {
      bounding: ["CAP_CHOWN"],
      effective: ["CAP_CHOWN"],
      permitted: ["CAP_CHOWN"],
      inheritable: ["CAP_CHOWN"],
      ambient: ["CAP_CHOWN"],
    };
    spec.process.user = { uid: 1000, gid: 1000 };
    spec.linux.seccomp = defaultSeccompProfile(defaultCapabilities, process.arch);
  });
  t.match(statusFields((await box.run()).stdout), {
    NoNewPrivs: "0",
    Seccomp: "2",
    CapEff: "0000000000000001",
    CapAmb: "0000000000000001",
    CapBnd: "0000000000000001",
  });
});

test("the root file system, masked and read-only paths", { skip }, async (t) => {
  await using box = new Box();
  const script =
    "touch /x; wc -c < /etc/passwd; ls /sys/kernel | wc -l; echo 1 > /proc/sys/kernel/msgmax; ls -d /nowhere; mount | head -1; ls /";
  box.configure(script, (spec) => {
    spec.linux.maskedPaths = ["/etc/passwd", "/sys/kernel", "/nowhere"];
  });
  const { stdout, stderr } = await box.run();
  t.match(stderr, /touch: \/x: Read-only file system/);
  t.match(stderr, /can't create \/proc\/sys\/kernel\/msgmax: Read-only file system/);
  t.match(stdout, /^0\n0\n/, "masked: an empty file, an empty directory");
  t.match(stdout, / on \/ type .*\(ro,/);
  t.match(stdout, /\nbin\ndev\netc\nproc\nsys\ntmp\n$/, "the host's root is out of reach");
});

test("mounts: binds, tmpfs, propagation, recursive read-only, targets inside the root only", { skip }, async (t) => {
  await using box = new Box();
  const data = join(box.directory, "data");
  mkdirSync(data);
  writeFileSync(join(data, "file"), "from the host\n");
  mkdirSync(join(box.rootfs, "old"));
  writeFileSync(join(box.rootfs, "old/kept"), "kept\n");
  symlinkSync("/../../../../../../tmp/escape", join(box.rootfs, "link"));
  box.configure(
    "cat /data/file /conf /old/kept; touch /data/x; touch /rw/y && echo wrote; echo >/old/new && echo wrote; grep -c tmpfs /proc/mounts; cat /proc/self/mountinfo",
    (spec) => {
      spec.mounts.push(
        { destination: "/data", type: "bind", source: data, options: ["rbind", "ro"] },
        { destination: "/rw", source: data, options: ["bind", "rslave", "noexec"] },
        { destination: "/conf", source: join(data, "file"), options: ["bind", "rro"] },
        { destination: "/old", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"] },
        { destination: "/link/inside", type: "tmpfs", source: "tmpfs" },
      );
    },
  );
  const { stdout, stderr } = await box.run();
  t.match(stdout, /^from the host\nfrom the host\nkept\nwrote\nwrote\n/);
  t.match(stderr, /touch: \/data\/x: Read-only file system/);
  t.match(stdout, /\/rw rw,noexec,.* master:|\/rw rw,noexec/);
  t.ok(existsSync(join(box.rootfs, "tmp/escape/inside")), "a link out of the root leads into it");
  t.notOk(existsSync("/tmp/escape"));
  t.ok(existsSync(join(data, "y")));
});

test("devices: the standard ones work, others are refused by the cgroup", { skip }, async (t) => {
  await using box = new Box();
  box.configure(
    "head -c 3 /dev/zero | wc -c; echo x > /dev/null; ls -l /dev/fuse /dev/ptmx; mknod /dev/vda b 254 0 && cat /dev/vda",
    (spec) => {
      spec.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o640, gid: 44 }];
      spec.linux.resources = {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
        ],
      };
    },
  );
  const { stdout, stderr } = await box.run();
  t.match(stdout, /^3\ncrw-r----- +1 root +44 +10, 229 .*\/dev\/fuse\n.*\/dev\/ptmx -> pts\/ptmx/);
  t.match(stderr, /'\/dev\/vda': Operation not permitted/);
});

test("limits reach the kernel, and the cgroups go with the container", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60", (spec) => {
    spec.linux.resources = {
      memory: { limit: 64 << 20, swap: 128 << 20 },
      cpu: { shares: 512, quota: 20_000, period: 50_000, cpus: "0" },
      pids: { limit: 20 },
    };
  });
  const { id } = await using_(box, async (container) => {
    const { hierarchies } = box.host.facts.cgroup;
    for (const { name, version, mountpoint } of hierarchies)
      t.match(
        readFileSync(`/proc/${container.pid}/cgroup`, "utf8"),
        version === 2 ? `0::/${container.id}` : `${name}:/${container.id}`,
        mountpoint,
      );
    const read = (controller: string, file: string) =>
      readFileSync(`/sys/fs/cgroup/${controller}/${container.id}/${file}`, "utf8").trim();
    if (box.host.facts.cgroup.mode === "v2") {
      t.same(
        [read("", "memory.max"), read("", "cpu.max"), read("", "pids.max")],
        [String(64 << 20), "20000 50000", "20"],
      );
    } else {
      t.equal(read("memory", "memory.limit_in_bytes"), String(64 << 20));
      t.equal(read("pids", "pids.max"), "20");
      t.equal(read("cpu", "cpu.shares"), "512");
      t.equal(read("cpu", "cpu.cfs_quota_us"), "20000");
      t.equal(read("cpuset", "cpuset.cpus"), "0");
    }
    return container;
  });
  t.same(globSync(`/sys/fs/cgroup/**/${id}`, { withFileTypes: false }), []);
});

test("an empty cpuset above is filled", { skip: skip || missing("cgroup1") }, async (t) => {
  await using box = new Box();
  const above = `/sys/fs/cgroup/cpuset/${box.newId()}`;
  mkdirSync(above);
  try {
    box.configure("cat /proc/self/cpuset", (spec) => {
      spec.linux.cgroupsPath = join("/", above.slice("/sys/fs/cgroup/cpuset".length), "below");
    });
    const { status, stderr } = await box.run();
    t.same([status, stderr], [0, ""]);
    t.equal(
      readFileSync(join(above, "cpuset.cpus"), "utf8"),
      readFileSync("/sys/fs/cgroup/cpuset/cpuset.cpus", "utf8"),
    );
  } finally {
    for (const path of globSync(`/sys/fs/cgroup/*/${basename(above)}`)) rmdirSync(path);
  }
});

async function using_<T>(box: Box, work: (container: { id: string; pid: number }) => Promise<T>): Promise<T> {
  await using container = await box.start();
  return await work(container);
}

test("a life: created, running, stopped; each command only where it belongs", { skip }, async (t) => {
  await using box = new Box();
  box.configure("trap 'exit 5' TERM; echo ready > /tmp/ready; while :; do sleep 0.05; done", (spec) => {
    spec.root = { path: "rootfs" };
  });
  const id = box.newId();
  const { pid, pidFd } = await createContainer(box.host, box.store, box.request(id, [0, 1, 2]));
  box.host.native.closeFd(pidFd);
  t.match(containerState(box.host, box.store, id), {
    id,
    status: "created",
    pid,
    bundle: box.bundle,
    ociVersion: "1.3.0",
  });
  await t.rejects(createContainer(box.host, box.store, box.request(id, [0, 1, 2])), {
    code: "AlreadyExists",
    message: /container with given ID already exists/,
  });
  t.equal((await box.exec(id, "exit 3")).status, 3, "also before its own program runs");
  t.equal(box.cli(["start", id]).status, 0, "the command line knows what was created in this process");
  t.equal(JSON.parse(box.cli(["state", id]).stdout).status, "running");
  t.match(box.cli(["start", id]).stderr, /cannot start an already running container/);
  await t.rejects(deleteContainer(box.host, box.store, { id, force: false }), {
    message: /that is not stopped: running/,
  });
  await waitFor(() => existsSync(join(box.rootfs, "tmp/ready")));
  await killContainer(box.host, box.store, { id, signal: 15, all: false });
  const { waitForExit } = await import("../src/run/launch/wait.ts");
  t.equal(await waitForExit(box.host, pid), 5);
  t.equal(containerState(box.host, box.store, id).status, "stopped");
  await t.rejects(killContainer(box.host, box.store, { id, signal: 15, all: false }), {
    message: /container not running/,
  });
  await deleteContainer(box.host, box.store, { id, force: false });
  t.throws(() => containerState(box.host, box.store, id), {
    code: "NotFound",
    message: `container does not exist: ${id}`,
  });
});

test("exec: the container's namespaces, cgroups and limits; its own user; its errors", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60", (spec) => {
    spec.linux.namespaces = spec.linux.namespaces?.filter(({ type }) => type !== "cgroup") ?? [];
  });
  await using container = await box.start();
  const inside = await box.exec(container.id, "cat /proc/self/cgroup; id -u; exit 3", {
    user: { uid: 1000, gid: 1000 },
  });
  t.equal(inside.status, 3);
  t.match(inside.stderr, "", "nothing but the script speaks");
  t.match(inside.stdout, new RegExp(`:/${container.id}\n`));
  t.match(inside.stdout, /\n1000\n$/);
  await t.rejects(box.exec(container.id, "", { args: ["nope"] }), {
    message: 'exec: "nope": executable file not found in $PATH',
    reason: "ExecutableNotFound",
  });
  await t.rejects(box.exec(container.id, "", { args: ["/etc"] }), {
    message: 'exec: "/etc": is a directory: permission denied',
    reason: "ExecutableNotPermitted",
  });
  await t.rejects(box.exec(container.id, "", { args: ["/etc/passwd"] }), {
    message: 'exec: "/etc/passwd": permission denied',
    reason: "ExecutableNotPermitted",
  });
  await t.rejects(box.exec(container.id, "", { args: [] }), {
    message: "invalid process: process.args must hold at least the program",
  });
});

test("errors are reported at creation, with a reason, and leave nothing", { skip }, async (t) => {
  await using box = new Box();
  const mounts = () => readFileSync("/proc/self/mountinfo", "utf8");
  const before = mounts();
  const cases: readonly (readonly [change: Parameters<Box["configure"]>[1], message: RegExp])[] = [
    [(spec) => (spec.process.args = ["nope"]), /^exec: "nope": executable file not found in \$PATH$/],
    [(spec) => (spec.process.args = ["/nope"]), /^exec: "\/nope": stat \/nope: no such file or directory$/],
    [
      (spec) => spec.mounts.push({ destination: "/x", type: "tmpfs", options: ["size=foo"] }),
      /^mounting "tmpfs" on \/x: .*size.*: EINVAL: invalid argument \(mounts\[7\]\)$/,
    ],
    [
      (spec) => spec.mounts.push({ destination: "/x", source: "/nope", options: ["bind"] }),
      /^binding \/nope to \/x: source \/nope: ENOENT: .* \(mounts\[7\]\)$/,
    ],
    [(spec) => (spec.root = { path: "nope" }), /^root.path: .*nope: ENOENT$/],
    [(spec) => (spec.linux.resources = { memory: { limit: 1, swap: 1 } }), /memory/],
    [
      (spec) => (spec.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", "echo why >&2; exit 4"] }] }),
      /^error running createRuntime hook #0: \/bin\/sh: exit status 4: why$/,
    ],
    [
      (spec) => (spec.hooks = { createContainer: [{ path: "/bin/false" }] }),
      /^error running createContainer hook #0: \/bin\/false: exit status 1$/,
    ],
  ];
  for (const [change, message] of cases) {
    box.configure("true", change);
    await t.rejects(box.run(), { message }, String(message));
  }
  t.same(box.store.list(), []);
  t.equal(mounts(), before);
  t.same(globSync(`/sys/fs/cgroup/*/box-${process.pid}-*`), []);
});

test("a mount of the wrong kind is reported with its reason", { skip }, async (t) => {
  await using box = new Box();
  for (const [source, destination] of [
    ["/etc", "/etc/passwd"],
    ["/etc/passwd", "/etc"],
  ] as const) {
    box.configure("true", (spec) => spec.mounts.push({ destination, source, options: ["bind"] }));
    await t.rejects(box.run(), { message: /^binding/, reason: "MountTypeMismatch" }, `${source} on ${destination}`);
  }
  box.configure("true", (spec) => spec.mounts.push({ destination: "/etc", source: "/nope", options: ["bind"] }));
  await t.rejects(box.run(), { message: /ENOENT/, reason: undefined });
});

test("hooks run at their points, with the state on standard input", { skip }, async (t) => {
  await using box = new Box();
  const log = join(box.directory, "hooks");
  const hook = (name: string) => [
    { path: "/bin/sh", args: ["sh", "-c", `echo ${name} $(cat) >> ${log}`], timeout: 10 },
  ];
  box.configure("cat /tmp/inside; echo program", (spec) => {
    spec.root = { path: "rootfs" };
    spec.hooks = {
      ...{ prestart: hook("prestart"), createRuntime: hook("createRuntime"), createContainer: hook("createContainer") },
      startContainer: [{ path: "/bin/sh", args: ["sh", "-c", "cat > /tmp/inside"] }],
      ...{ poststart: hook("poststart"), poststop: hook("poststop") },
    };
  });
  const { stdout } = await box.run();
  t.match(
    stdout,
    /^\{"ociVersion":.*"status":"created".*\}program\n$/,
    "startContainer runs inside, before the program",
  );
  const lines = readFileSync(log, "utf8").trim().split("\n");
  t.same(
    lines.map((line) => line.split(" ")[0]),
    ["prestart", "createRuntime", "createContainer", "poststart", "poststop"],
  );
  const states = lines.map((line) => JSON.parse(line.slice(line.indexOf("{"))));
  t.same(
    states.map(({ status }) => status),
    ["creating", "creating", "creating", "running", "stopped"],
  );
});

test("a user namespace of its own", { skip }, async (t) => {
  await using box = new Box();
  // The namespace's root is a stranger on the host: the way to the bundle must be open to all.
  chmodSync(box.directory, 0o711);
  box.configure("id -u; cat /proc/self/uid_map; echo x >/dev/null && ls -ln /dev/null; hostname", (spec) => {
    spec.root = { path: "rootfs" };
    spec.linux.namespaces?.push({ type: "user" });
    spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  });
  const { stdout, stderr, status } = await box.run();
  t.equal(stderr, "");
  t.equal(status, 0);
  t.match(stdout, /^0\n +0 +100000 +65536\ncrw-rw-rw- +1 65534 +65534 .*\nrunc\n$/);
});

test("clocks of a time namespace, in a user namespace, too", { skip }, async (t) => {
  await using box = new Box();
  chmodSync(box.directory, 0o711);
  for (const user of [false, true]) {
    box.configure("cut -d. -f1 /proc/uptime", (spec) => {
      spec.linux.namespaces?.push({ type: "time" }, ...(user ? [{ type: "user" as const }] : []));
      spec.linux.timeOffsets = { boottime: { secs: 1_000_000 }, monotonic: { secs: 5 } };
      if (!user) return;
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    });
    t.ok(Number((await box.run()).stdout) > 1_000_000);
  }
});

test("the caller's file mode mask is not the container's", { skip }, async (t) => {
  await using box = new Box();
  box.configure("umask; ls -ld /dev/zero /new/sub | cut -c1-10; ls -ln /dev/fuse | cut -c1-10", (spec) => {
    spec.root = { path: "rootfs" };
    spec.mounts.push({ destination: "/new/sub/mount", type: "tmpfs", source: "tmpfs" });
    spec.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o622 }];
  });
  const former = process.umask(0o077);
  try {
    const { stdout } = await box.run();
    t.equal(stdout, "0022\ncrw-rw-rw-\ndrwxr-xr-x\ncrw--w--w-\n");
  } finally {
    process.umask(former);
  }
});

test("a program of a user without a name gets its home without waiting", { skip }, async (t) => {
  await using box = new Box();
  unlinkSync(join(box.rootfs, "etc/passwd"));
  box.host.native.mknod(join(box.rootfs, "etc/passwd"), S_IFIFO | 0o644, 0, 0);
  box.configure("echo $HOME");
  t.equal((await box.run()).stdout, "/\n", "a named pipe in the place of /etc/passwd holds nothing up");
});

test("recursive options of a new mount are its own", { skip }, async (t) => {
  await using box = new Box();
  box.configure("touch /x/file", (spec) => {
    spec.root = { path: "rootfs" };
    spec.mounts.push({ destination: "/x", type: "tmpfs", source: "tmpfs", options: ["rro"] });
  });
  t.match((await box.run()).stderr, /Read-only file system/);
});

test("seccomp flags are taken by the kernel, with and without no_new_privs", { skip }, async (t) => {
  await using box = new Box();
  for (const noNewPrivileges of [true, false]) {
    box.configure("grep -E '^(Seccomp|NoNewPrivs|CapEff)' /proc/self/status; mkdir /tmp/x", (spec) => {
      spec.root = { path: "rootfs" };
      spec.process.noNewPrivileges = noNewPrivileges;
      spec.process.capabilities = {};
      spec.linux.seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        flags: ["TSYNC", "LOG", "SPEC_ALLOW"].map((name) => `SECCOMP_FILTER_FLAG_${name}`),
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
      };
    });
    const { stdout, stderr } = await box.run();
    t.match(statusFields(stdout), {
      Seccomp: "2",
      Seccomp_filters: "1",
      NoNewPrivs: noNewPrivileges ? "1" : "0",
      CapEff: "0000000000000000",
    });
    t.match(stderr, /Operation not supported/);
  }
});
