import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { fileStack, image } from "./support/file-stack.ts";

const stack = await fileStack();

test("run gives output, exit codes and streams, and leaves nothing with --rm", async (t) => {
  t.equal(await stack.ok(["run", "--rm", image, "r1", "echo", "hello"]), "hello\n");
  const failed = await stack.ctr(["run", "--rm", image, "r1", "sh", "-c", "echo no >&2; exit 3"]);
  t.same([failed.code, failed.stdout, failed.stderr], [3, "", "no\n"]);
  t.equal(await stack.ok(["run", "--rm", image, "r1", "cat"], { stdin: "typed\n" }), "typed\n");
  const missing = await stack.ctr(["run", "--rm", image, "r1", "nothing"]);
  t.equal(missing.code, 1);
  t.match(missing.stderr, /^ctr: .*nothing.*not found/);
  t.equal(await stack.ok(["containers", "ls", "-q"]), "");
  t.notMatch(await stack.ok(["snapshots", "ls"]), /^r1 /m);
});

test("flags of run reach the kernel", async (t) => {
  const shell = (flags: string[], script: string) =>
    stack.ok(["run", "--rm", ...flags, image, "f1", "sh", "-c", script]);
  const file = join(stack.directory, "vars");
  writeFileSync(file, "# comment\nFROM_FILE=1\n");
  const env = await shell(["--env", "A=B", "--env-file", file, "--cwd", "/etc", "--user", "bin"], "env; pwd; id");
  t.match(env, /^A=B$/m);
  t.match(env, /^FROM_FILE=1$/m);
  t.match(env, /^\/etc$/m);
  t.match(env, /uid=2\(bin\)/);
  t.match(await shell(["--hostname", "box"], "hostname"), /^box$/m);
  t.match(await shell(["--read-only"], "touch /x 2>&1 || true"), /Read-only file system/);
  const mount = `type=bind,src=${stack.directory},dst=/host,options=rbind:ro`;
  t.match(await shell(["--mount", mount], "ls /host; touch /host/x 2>&1 || true"), /vars[\s\S]*Read-only file system/);
  t.match(await shell(["--cap-drop", "CAP_CHOWN"], "grep CapEff /proc/self/status"), /a80425fa$/m);
  t.match(await shell(["--privileged"], "grep Seccomp: /proc/self/status; ls /dev/fuse"), /Seccomp:\s*0[\s\S]*fuse/);
  t.match(await shell(["--seccomp"], "grep Seccomp: /proc/self/status"), /Seccomp:\s*2/);
  t.match(await shell(["--device", "/dev/fuse"], "stat -c %t:%T /dev/fuse"), /^a:e5$/m);
  const host = await stack.namespaces.sh("readlink /proc/self/ns/net");
  t.equal(await shell(["--net-host"], "readlink /proc/self/ns/net"), host.stdout);
  t.not(await shell([], "readlink /proc/self/ns/net"), host.stdout);
});

test("limits are the cgroup's", async (t) => {
  await stack.ok([
    "run",
    "-d",
    "--memory-limit",
    "33554432",
    "--cpus",
    "0.5",
    "--pid-file",
    `${stack.directory}/pid`,
    image,
    "l1",
    "sleep",
    "1000",
  ]);
  const pid = readFileSync(`${stack.directory}/pid`, "utf8");
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  t.match(groups, new RegExp(`/${stack.namespace}/l1$`, "m"));
  const metrics = await stack.ok(["tasks", "metrics", "l1"]);
  t.match(metrics, /^ID {4}TIMESTAMP/);
  t.match(metrics, /^memory\.(limit_in_bytes|usage_limit) +33554432/m);
  t.match(JSON.parse(await stack.ok(["tasks", "metrics", "--format", "json", "l1"])), { pids: { current: 1 } });
  await stack.ctr(["tasks", "rm", "-f", "l1"]);
  await stack.ok(["containers", "rm", "l1"]);

  // no limit is the largest number of bytes, to the last digit
  await stack.ok(["run", "-d", image, "l2", "sleep", "1000"]);
  const [, shown] =
    /^memory\.(?:limit_in_bytes|usage_limit) +(\d+)/m.exec(await stack.ok(["tasks", "metrics", "l2"])) ?? [];
  const unlimited = existsSync("/sys/fs/cgroup/cgroup.controllers") ? 2n ** 64n - 1n : kernelLimit("l2");
  t.equal(shown, String(unlimited), "as containerd's ctr");
  t.match(
    await stack.ok(["tasks", "metrics", "--format", "json", "l2"]),
    new RegExp(`"(usage_)?limit": ${unlimited}\\b`),
  );
  await stack.ctr(["tasks", "rm", "-f", "l2"]);
  await stack.ok(["containers", "rm", "l2"]);
});

test("a task's life: start, ps, exec, pause, resume, kill, delete", async (t) => {
  await stack.ok(["containers", "create", "--label", "a=b", image, "c1", "sleep", "1000"]);
  t.match(
    await stack.ok(["containers", "ls"]),
    /^CONTAINER {4}IMAGE[\s\S]*^c1 +docker.io\/library\/busybox:latest +io.containerd.runc.v2/m,
  );
  t.equal(await stack.ok(["containers", "ls", "-q", "labels.a==b"]), "c1\n");
  await stack.ok(["tasks", "start", "-d", "c1"]);
  const [, pid = ""] = /^c1 +(\d+) +RUNNING$/m.exec(await stack.ok(["tasks", "ls"])) ?? [];
  t.match(readFileSync(`/proc/${pid}/cmdline`, "utf8"), "sleep\x001000");
  t.equal(
    await stack.ok([
      "tasks",
      "exec",
      "--exec-id",
      "e1",
      "--cwd",
      "/tmp",
      "--user",
      "5:6",
      "c1",
      "sh",
      "-c",
      "pwd; id -u",
    ]),
    "/tmp\n5\n",
  );
  t.equal((await stack.ctr(["tasks", "exec", "--exec-id", "e1", "c1", "sh", "-c", "exit 4"])).code, 4);
  await stack.ok(["tasks", "exec", "-d", "--exec-id", "e2", "c1", "sleep", "500"]);
  // Sorted by pid, and the kernel may have begun to count anew between the two.
  const [head, ...lines] = (await stack.ok(["tasks", "ps", "c1"])).trimEnd().split("\n");
  t.match(head, /^PID +INFO$/);
  t.equal(lines.length, 2);
  t.ok(
    lines.some((line) => new RegExp(`^${pid} +-$`).test(line)) && lines.some((line) => /^\d+ +ExecID:e2$/.test(line)),
    lines.join("; "),
  );
  await stack.ok(["tasks", "kill", "-s", "KILL", "--exec-id", "e2", "c1"]);
  await waitFor(async () => (await stack.ctr(["tasks", "rm", "--exec-id", "e2", "c1"])).code === 137, {
    what: "the exec's end",
  });
  await stack.ok(["tasks", "pause", "c1"]);
  t.match(await stack.ok(["tasks", "ls"]), /^c1 +\d+ +PAUSED$/m);
  await stack.ok(["tasks", "resume", "c1"]);
  t.match((await stack.ctr(["containers", "rm", "c1"])).stderr, /cannot delete a non stopped container/);
  t.match((await stack.ctr(["tasks", "rm", "c1"])).stderr, /must be stopped before deletion/);
  await stack.ok(["tasks", "kill", "-s", "9", "c1"]);
  await waitFor(async () => /^c1 +\d+ +STOPPED$/m.test(await stack.ok(["tasks", "ls"])), { what: "the task's end" });
  t.notOk(existsSync(`/proc/${pid}/root/bin`), "the process is gone");
  t.match((await stack.ctr(["tasks", "rm", "c1"])).stderr, /exit with non-zero exit code 137/);
  t.match(JSON.parse(await stack.ok(["containers", "info", "c1"])), {
    ID: "c1",
    Labels: { a: "b" },
    SnapshotKey: "c1",
  });
  t.equal(
    await stack.ok(["containers", "label", "c1", "a=", "x=y"]),
    "io.containerd.image.config.stop-signal=SIGTERM,x=y\n",
  );
  await stack.ok(["containers", "rm", "c1"]);
  t.equal((await stack.ctr(["containers", "rm", "c1"])).code, 1);
});

test("output to a file, and to named pipes", async (t) => {
  const log = join(stack.directory, "out.log");
  await stack.ok(["run", "--log-uri", `file://${log}`, image, "o1", "sh", "-c", "echo out; echo err >&2"]);
  await waitFor(() => existsSync(log) && readFileSync(log, "utf8").includes("err"), { what: "the log" });
  t.match(readFileSync(log, "utf8"), "out\n");
  await stack.ok(["containers", "rm", "o1"]);
  const fifos = join(stack.directory, "fifos");
  t.equal(
    await stack.ok(["run", "--rm", "--fifo-dir", fifos, image, "o2", "cat"], { stdin: "through pipes\n" }),
    "through pipes\n",
  );
});

test("a spec from a file and a root file system that is a directory", async (t) => {
  const rootfs = join(stack.directory, "rootfs");
  await stack.ok(["images", "unpack", image, rootfs]);
  t.equal(await stack.ok(["run", "--rm", "--rootfs", rootfs, "d1", "echo", "from a directory"]), "from a directory\n");
  const spec = JSON.parse(await stack.ok(["oci", "spec"]));
  Object.assign(spec.root, { path: rootfs });
  Object.assign(spec.process, { args: ["echo", "from a file"] });
  spec.linux.cgroupsPath = `/${stack.namespace}/d2`;
  const config = join(stack.directory, "config.json");
  writeFileSync(config, JSON.stringify(spec));
  t.equal(await stack.ok(["run", "--rm", "--config", config, "d2"]), "from a file\n");
});

test("a terminal: size, keys, exit code; attach", async (t) => {
  await using terminal = stack.terminal(["run", "-t", "--rm", image, "t1", "sh"], { columns: 91, rows: 33 });
  await terminal.expect(/# /, 20_000);
  terminal.send("stty size; tty\r");
  await terminal.expect(/33 91\s+\/dev\/pts\/0/, 20_000);
  terminal.resize(70, 20);
  await waitFor(
    async () =>
      /20 70/.test(await stack.ok(["tasks", "exec", "--exec-id", "size", "t1", "stty", "-F", "/dev/pts/0", "size"])),
    { what: "the new size" },
  );
  terminal.send("exit 7\r");
  t.equal((await terminal.ended).code, 7);
  t.match(
    (await stack.ctr(["run", "-t", "--rm", image, "t2", "sh"], { stdin: "" })).stderr,
    /the input device is not a TTY/,
  );

  await stack.ok(["run", "-d", "-t", image, "t3", "sh"]);
  await using attached = stack.terminal(["tasks", "attach", "t3"]);
  attached.send("echo $((20 + 3))\r");
  await attached.expect(/\b23\b/, 20_000);
  attached.send("exit 5\r");
  t.equal((await attached.ended).code, 5);
  t.equal(await stack.ok(["tasks", "ls", "-q"]), "");
  await stack.ok(["containers", "rm", "t3"]);
});

test("a signal to ctr reaches the process", async (t) => {
  const running = stack.start([
    "run",
    "--rm",
    image,
    "s1",
    "sh",
    "-c",
    'trap "echo got it; exit 9" TERM; echo ready; while :; do sleep 0.1; done',
  ]);
  await waitFor(() => running.stdout().includes("ready"), { what: "the trap", timeoutMs: 20_000 });
  running.kill("SIGTERM");
  const { code } = await running.ended;
  t.equal(code, 9);
  t.match(running.stdout(), "got it");
});

test("two namespaces do not see each other", async (t) => {
  const other = ["-n", `${stack.namespace}.other`];
  t.equal(await stack.ok([...other, "images", "ls", "-q"]), "");
  t.match((await stack.ctr([...other, "run", "--rm", image, "n1", "true"])).stderr, /not found/);
  await stack.ok([...other, "images", "import", join(stack.directory, "busybox.tar")]);
  const run = (within: string[], value: string) =>
    stack.ok([
      ...within,
      "run",
      "-d",
      "--cgroup",
      `/${stack.namespace}/n1-${value}`,
      "--label",
      `who=${value}`,
      image,
      "n1",
      "sleep",
      "100",
    ]);
  await Promise.all([run([], "one"), run(other, "two")]);
  t.match(await stack.ok([...other, "containers", "info", "n1"]), '"who": "two"');
  t.match(await stack.ok(["containers", "info", "n1"]), '"who": "one"');
  await stack.ctr([...other, "tasks", "rm", "-f", "n1"]);
  t.match(await stack.ok(["tasks", "ls"]), /^n1 +\d+ +RUNNING/m);
  t.match((await stack.ctr(["namespaces", "rm", `${stack.namespace}.other`])).stderr, /is not empty/);
});

test("a namespace goes with its cgroup, unless that is in use", async (t) => {
  const name = `${stack.namespace}.group`;
  const rootfs = join(stack.directory, "group-rootfs");
  await stack.ok(["images", "unpack", image, rootfs]);
  const within = ["-n", name];
  await stack.ok(["namespaces", "create", name]);
  await stack.ok([...within, "run", "--rm", "--rootfs", rootfs, "g1", "true"]);
  const groups = () => findGroups(name);
  t.teardown(() => {
    for (const directory of groups()) rmdirSync(directory);
  });
  t.not(groups().length, 0, "the run has left the namespace's cgroup");
  const inside = `${groups()[0]}/left`;
  mkdirSync(inside);
  try {
    const busy = await stack.ctr(["namespaces", "rm", "--cgroup", name]);
    t.same([busy.code, busy.stdout], [1, ""]);
    t.match(busy.stderr, /cgroup \/sys\/fs\/cgroup\/\S+ is in use/);
    t.match(await stack.ok(["namespaces", "ls", "-q"]), new RegExp(`^${name}$`, "m"), "it is still there");
  } finally {
    rmdirSync(inside);
  }
  t.equal(await stack.ok(["namespaces", "rm", "-c", name]), `${name}\n`);
  t.same(groups(), []);
});

/** The cgroups of this name, of every hierarchy. */
function findGroups(name: string): string[] {
  const top = "/sys/fs/cgroup";
  const candidates = [top, ...readdirSync(top).map((controller) => join(top, controller))];
  return candidates.map((directory) => join(directory, name)).filter((directory) => existsSync(directory));
}

function kernelLimit(id: string): string {
  return readFileSync(`/sys/fs/cgroup/memory/${stack.namespace}/${id}/memory.limit_in_bytes`, "utf8").trim();
}
