import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import {
  AT_FDCWD,
  CLD_EXITED,
  CLD_KILLED,
  CLONE_NEWPID,
  CLONE_PARENT,
  F_SEAL_WRITE,
  Fd,
  isSystemError,
  MFD_ALLOW_SEALING,
  MNT_DETACH,
  mountFilesystem,
  O_PATH,
  P_ALL,
  P_PID,
  PR_SET_CHILD_SUBREAPER,
  SIGNALS,
  type SpawnOptions,
} from "../src/index.ts";
import { native, output, privateMounts, temporaryDirectory, thrownBy, waitFor } from "./support.ts";

privateMounts();

/** Runs a shell script with its standard output into a pipe; returns that and how it ended. */
function shell(script: string, options: Partial<SpawnOptions> = {}) {
  const [read, write] = native.pipe(0);
  using nothing = new Fd(openSync("/dev/null", "r"));
  const fds = [nothing.number, write, write];
  const child = native.spawn({
    program: "/bin/sh",
    argv: ["sh", "-c", script],
    env: ["PATH=/usr/bin:/bin"],
    fds,
    ...options,
  });
  closeSync(write);
  const text = readToEnd(read);
  const exit = waitFor(child.pidFd);
  closeSync(child.pidFd);
  return { text, exit, pid: child.pid };
}

function readToEnd(fd: number): string {
  const chunk = Buffer.alloc(65536);
  let text = "";
  for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk))
    text += chunk.toString("utf8", 0, length);
  closeSync(fd);
  return text;
}

test("only the given descriptors cross", async (t) => {
  // Node marks the descriptors that it opens and inherits at the front close-on-exec: 40 is one that it does not know.
  const script = `
    import { nativeSys } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
    const [program, argv] = ["/bin/ls", ["ls", "-l", "/proc/self/fd"]];
    const { pid } = nativeSys().spawn({ program, argv, env: [], fds: [0, 1] });
    while (!nativeSys().waitid(1, pid, 0));`;
  const node = [process.execPath, "--input-type=module", "-e", script];
  const lines = output("/bin/bash", "-c", 'exec 40</dev/zero; exec "$@"', "bash", ...node)
    .trim()
    .split("\n")
    .slice(1);
  t.equal(lines.length, 3);
  t.match(lines[0], / 0 -> \/dev\/null$/);
  t.match(lines[2], / 2 -> \/proc\/\d+\/fd$/, "the directory that ls reads itself");
});

test("descriptors whose numbers are in the range are not overwritten by one another", async (t) => {
  const made = ["a", "b", "c", "d"].map((name) => {
    const fd = native.memfdCreate(name, 0);
    writeSync(fd, name, 0);
    return fd;
  });
  const [read, write] = native.pipe(0);
  // So many that the range has numbers which are in use here and ones which are free.
  const rest = Array.from({ length: 100 }, (_, i) => made[i % 4] ?? -1);
  const argv = ["sh", "-c", "i=3; while [ $i -lt 103 ]; do cat /proc/$$/fd/$i; i=$((i+1)); done"];
  const fds = [2, write, 0, ...rest];
  const child = native.spawn({ program: "/bin/busybox", argv, env: ["PATH=/usr/bin:/bin"], fds });
  closeSync(write);
  t.equal(readToEnd(read), "abcd".repeat(25));
  waitFor(child.pidFd);
  for (const fd of [...made, child.pidFd]) closeSync(fd);
});

test("a failed exec is the caller's error, and leaves no process behind", async (t) => {
  const directory = temporaryDirectory(t);
  const attempt = (program: string, cwd?: string) =>
    thrownBy(() => native.spawn({ program, argv: ["x"], env: [], fds: [], ...(cwd ? { cwd } : {}) }));
  const missing = attempt("/nonexistent/program");
  t.ok(isSystemError(missing, "ENOENT"));
  t.match(missing, { syscall: "execve", errno: 2, path: "/nonexistent/program" });
  t.equal(missing?.message, "execve /nonexistent/program: ENOENT: no such file or directory");
  t.ok(isSystemError(attempt(directory), "EACCES"));
  t.match(attempt("/bin/true", `${directory}/no`), { code: "ENOENT", syscall: "chdir", path: `${directory}/no` });
  t.ok(
    isSystemError(
      thrownBy(() => native.spawn({ program: "/bin/true", argv: [], env: [], fds: [999] })),
      "EBADF",
    ),
  );
  t.equal(native.waitid(P_ALL, 0, 0), null);
});

test("a program in a sealed memfd runs, and its first process has default signals", async (t) => {
  using program = new Fd(native.memfdCreate("program", MFD_ALLOW_SEALING));
  writeSync(program.number, readFileSync("/bin/busybox"));
  native.addSeals(program.number, F_SEAL_WRITE);
  t.ok(
    isSystemError(
      thrownBy(() => writeSync(program.number, "x")),
      "EPERM",
    ),
    "the seal holds",
  );
  const { text, exit } = shell("", { program: program.number, argv: ["cat", "/proc/self/status"] });
  t.equal(exit.status, 0);
  t.match(text, /SigBlk:\s0{16}\nSigIgn:\s0{16}\nSigCgt:\s0{16}/);
  t.match(readFileSync("/proc/self/status", "utf8"), /SigIgn:\s0*1000\n/, "while this process ignores SIGPIPE");
});

test("cwd, environment and session are as asked", async (t) => {
  const { text, pid } = shell('pwd; echo "$WORD"; cut -d" " -f6 /proc/$$/stat', {
    env: ["PATH=/usr/bin:/bin", "WORD=grüß dich"],
    cwd: "/usr",
    setsid: true,
  });
  t.equal(text, `/usr\ngrüß dich\n${pid}\n`);
});

test("clone flags: a PID namespace, and a sibling instead of a child", async (t) => {
  t.equal(shell("echo $$", { cloneFlags: CLONE_NEWPID }).text, "1\n");
  const [read, write] = native.pipe(0);
  const sibling = native.spawn({
    program: "/bin/sh",
    argv: ["sh", "-c", "echo $PPID"],
    env: [],
    fds: [0, write],
    cloneFlags: CLONE_PARENT,
  });
  closeSync(write);
  t.equal(readToEnd(read), `${process.ppid}\n`);
  t.equal(native.waitid(P_PID, sibling.pid, 0), null, "which this process cannot wait for");
  closeSync(sibling.pidFd);
});

test("a program starts inside the cgroup that was given", async (t) => {
  const root = temporaryDirectory(t);
  mountFilesystem({ type: "cgroup2", target: root });
  const group = join(root, `native-sys-test-${process.pid}`);
  mkdirSync(group);
  t.teardown(() => {
    rmdirSync(group);
    native.umount(root, MNT_DETACH);
  });
  using directory = new Fd(native.openat2(AT_FDCWD, group, O_PATH, 0, 0));
  const { text } = shell("cat /proc/self/cgroup", { cgroupFd: directory.number });
  t.match(text, `0::/native-sys-test-${process.pid}\n`);
});

test("a path that is no cgroup, and shared memory, are refused", async (t) => {
  using root = new Fd(native.openat2(AT_FDCWD, "/usr", O_PATH, 0, 0));
  const options = { program: "/bin/true", argv: ["true"], env: [], fds: [] };
  t.ok(
    isSystemError(
      thrownBy(() => native.spawn({ ...options, cgroupFd: root.number })),
      "EBADF",
    ),
  );
  t.match(
    thrownBy(() => native.spawn({ ...options, cloneFlags: 0x100 })),
    /cloneFlags must be free of CLONE_VM/,
  );
});

test("pidfds: a signal reaches the process, and waiting returns how it ended", async (t) => {
  const child = native.spawn({ program: "/bin/sleep", argv: ["sleep", "60"], env: [], fds: [] });
  t.equal(native.waitid(P_PID, child.pid, 0), null, "still running");
  using again = new Fd(native.pidfdOpen(child.pid));
  native.pidfdSendSignal(again.number, SIGNALS.SIGTERM);
  t.match(waitFor(child.pidFd), { pid: child.pid, code: CLD_KILLED, status: SIGNALS.SIGTERM });
  t.ok(
    isSystemError(
      thrownBy(() => native.pidfdSendSignal(again.number, 0)),
      "ESRCH",
    ),
  );
  closeSync(child.pidFd);
});

test("a subreaper waits for its orphans", async (t) => {
  native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  t.teardown(() => native.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
  const [hold, release] = native.pipe(0);
  const [read, write] = native.pipe(0);
  const script = "(read line <&3; exit 42) >/dev/null 2>&1 & echo $!";
  const parent = native.spawn({ program: "/bin/sh", argv: ["sh", "-c", script], env: [], fds: [0, write, 2, hold] });
  closeSync(write);
  closeSync(hold);
  const orphan = Number(readToEnd(read));
  t.match(waitFor(parent.pidFd), { pid: parent.pid, status: 0 });
  t.match(readFileSync(`/proc/${orphan}/status`, "utf8"), `PPid:\t${process.pid}\n`);
  using pidFd = new Fd(native.pidfdOpen(orphan));
  closeSync(release);
  t.match(waitFor(pidFd.number), { pid: orphan, code: CLD_EXITED, status: 42 });
  closeSync(parent.pidFd);
});
