import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Box, cannotRun, program } from "./box.ts";

const skip = cannotRun() ?? false;
const runc = "/usr/sbin/runc";

test("run: exit status, signals, pid file, nothing left; the errors also in the log", { skip }, async (t) => {
  await using box = new Box();
  box.configure("echo out; echo err >&2; exit 42");
  const id = box.newId();
  t.match(box.cli(["run", "--pid-file", join(box.directory, "pid"), id]), {
    status: 42,
    stdout: "out\n",
    stderr: "err\n",
  });
  t.match(readFileSync(join(box.directory, "pid"), "utf8"), /^\d+$/);
  t.same(box.store.list(), []);
  box.configure("kill -9 $$; sleep 5; exit 3", (spec) => {
    spec.process.args = ["sh", "-c", "sh -c 'kill -9 $$'; exit $?"];
  });
  t.equal(box.cli(["run", id]).status, 137);
  box.configure("true", (spec) => {
    spec.process.args = ["nope"];
  });
  const log = join(box.directory, "log.json");
  const failed = box.cli(["--log", log, "--log-format", "json", "run", id]);
  t.equal(failed.status, 1);
  const [line] = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text));
  t.match(line, {
    level: "error",
    msg: 'exec: "nope": executable file not found in $PATH',
    time: /^\d{4}-.*Z$/,
    code: "InvalidArgument",
    reason: "ExecutableNotFound",
  });
});

test("signals reach the program of a run in the foreground", { skip }, async (t) => {
  await using box = new Box();
  box.configure("trap 'exit 6' TERM; echo ready; while :; do sleep 0.02; done");
  const args = ["--root", box.store.root, "run", "-b", box.bundle, box.newId()];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  t.same(await once(child, "exit"), [6, null]);
});

test("a terminal: in the foreground, and over a console socket", { skip }, async (t) => {
  await using box = new Box();
  box.configure(
    "tty; test -t 0 && test -t 1 && test -t 2 && echo all; stty size; ls -l /dev/console | cut -c1",
    (spec) => {
      spec.process.terminal = true;
      spec.process.consoleSize = { width: 100, height: 30 };
    },
  );
  const { stdout, status } = box.cli(["run", box.newId()]);
  t.equal(status, 0);
  t.equal(stdout, "/dev/pts/0\nall\n30 100\nc\n");
  const refused = box.cli(["create", box.newId()]);
  t.match(refused, {
    status: 1,
    stderr: /cannot allocate tty if the runtime will detach without setting console socket/,
  });
  const { native } = box.host;
  const path = join(box.directory, "console.sock");
  const listener = native.unixListen(path, 1, 1);
  const id = box.newId();
  t.equal(box.cli(["run", "-d", "--console-socket", path, id], { stdio: "ignore" }).status, 0);
  const socket = native.accept(listener) ?? -1;
  const received = native.recvFds(socket, 64, 1);
  t.equal(received?.fds.length, 1);
  const chunk = Buffer.alloc(10);
  readSync(received?.fds[0] ?? -1, chunk);
  t.equal(chunk.toString(), "/dev/pts/0");
  for (const fd of [listener, socket, ...(received?.fds ?? [])]) native.closeFd(fd);
  t.equal(box.cli(["delete", "-f", id]).status, 0);
});

test("list, ps, exec, kill and delete as callers of runc use them", { skip }, async (t) => {
  await using box = new Box();
  box.configure("sleep 60");
  await using container = await box.start();
  const { id, pid } = container;
  t.equal(box.cli(["list", "-q"]).stdout, `${id}\n`);
  t.match(JSON.parse(box.cli(["list", "-f", "json"]).stdout), [{ id, pid, status: "running", owner: "root" }]);
  t.match(box.cli(["list"]).stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n/);
  t.same(JSON.parse(box.cli(["ps", "--format", "json", id]).stdout), [pid]);
  t.match(
    box.cli([
      "exec",
      "-e",
      "A=b",
      "--user",
      "7:8",
      "--cwd",
      "/tmp",
      id,
      "sh",
      "-c",
      "echo $A $(id -u):$(id -g) $PWD; exit 4",
    ]),
    {
      status: 4,
      stdout: "b 7:8 /tmp\n",
    },
  );
  const file = join(box.directory, "process.json");
  writeFileSync(file, JSON.stringify({ cwd: "/", args: ["sleep", "60"], env: ["PATH=/bin"] }));
  t.equal(box.cli(["exec", "-d", "--process", file, "--pid-file", `${file}.pid`, id], { stdio: "ignore" }).status, 0);
  t.match(readFileSync(`/proc/${readFileSync(`${file}.pid`, "utf8")}/cmdline`, "latin1"), /^sleep\0/);
  t.match(box.cli(["delete", id]), { status: 1, stderr: /cannot delete container .* that is not stopped: running/ });
  t.equal(box.cli(["kill", "--all", id, "KILL"]).status, 0);
  t.equal(await container.ended, 137);
  t.equal(box.cli(["delete", id]).status, 0);
  t.match(box.cli(["delete", id]), { status: 1, stderr: /container does not exist/ });
  t.equal(box.cli(["delete", "--force", id]).status, 0);
});

test("wrong command lines are refused with a reason", { skip }, async (t) => {
  await using box = new Box();
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [["--frob", "list"], /unknown flag: --frob/],
    [["create"], /create: wants ID/],
    [["create", "../x"], /invalid container id/],
    [["create", "-b", "/nonexistent", "x"], /JSON specification file \/nonexistent\/config.json not found/],
    [["kill", "x", "SIGFOO"], /unknown signal/],
    [["state", "x"], /container does not exist: x/],
  ];
  for (const [args, message] of cases) t.match(box.cli(args), { status: 1, stderr: message }, args.join(" "));
  t.match(box.cli(["frobnicate"]), { status: 3, stderr: /^oci-runtime: unknown command "frobnicate"/ });
  t.match(box.cli(["--help"]), { status: 0, stdout: /Examples:/ });
  t.match(box.cli(["create", "--help"]), { status: 0, stdout: /--console-socket/ });
});

test("spec and plan", { skip }, async (t) => {
  await using box = new Box();
  rmSync(join(box.bundle, "config.json"), { force: true });
  t.equal(box.cli(["spec"]).status, 0);
  t.match(box.cli(["spec"]), { status: 1, stderr: /config.json exists/ });
  t.match(box.cli(["plan"]).stdout, /\n +\d+ pivoting to the root file system {2}\[root.path\]\n/);
});

test("the same configuration has the same effect under runc", {
  skip: skip || (existsSync(runc) ? false : `needs ${runc}`),
}, async (t) => {
  await using box = new Box();
  const script =
    "id; grep -E '^(Cap|NoNew)' /proc/self/status; ls -l /dev | tr -s ' ' | cut -d' ' -f1,3,4,5,6,10-; cut -d' ' -f5- /proc/self/mountinfo | grep -vE 'cgroup|^/ |^/(proc/acpi|sys/firmware) ' | sed 's/ - .*//; s/[a-z]*:[0-9]*//g' | sort; ulimit -n; pwd; ls /";
  box.configure(script, (spec) => {
    spec.process.user = { uid: 0, gid: 0, additionalGids: [7] };
  });
  const ours = box.cli(["run", box.newId()]);
  const theirs = execFileSync(runc, ["--root", join(box.directory, "runc"), "run", "-b", box.bundle, box.newId()], {
    encoding: "utf8",
  });
  t.equal(ours.stdout, theirs);
});
