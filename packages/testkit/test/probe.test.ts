import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { buildProbe, run, start, tempDir, waitFor } from "../src/index.ts";

const probe = buildProbe();
const ask = async (...args: string[]) => JSON.parse((await run(probe, args)).stdout);

test("the probe sees what the kernel shows", async (t) => {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string) => status.match(new RegExp(`^${name}:\\s*(.*)$`, "m"))?.[1];
  t.same((await ask("id")).uid, [process.getuid?.(), process.geteuid?.(), process.geteuid?.()]);
  t.match(await ask("caps"), { effective: field("CapEff"), permitted: field("CapPrm"), bounding: field("CapBnd") });
  t.match(await ask("prctl"), { noNewPrivs: Number(field("NoNewPrivs")), seccomp: Number(field("Seccomp")) });
  t.equal((await ask("namespaces")).net, statSync("/proc/self/ns/net").ino);
  t.equal(
    (await ask("mounts")).content.split("\n").length,
    readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
  );
  t.match(await ask("process"), { ppid: process.pid, cwd: process.cwd(), umask: process.umask() });
  t.same(await ask("args", "a b", 'quote"\n'), ["a b", 'quote"\n']);
  t.ok((await ask("env")).includes(`PATH=${process.env["PATH"]}`));
  t.same(await ask("terminal"), { terminals: [0, 0, 0], columns: 0, rows: 0, foreground: 0 });
});

test("it reports files, descriptors, limits and sysctls", async (t) => {
  await using directory = tempDir("probe");
  t.match(await ask("stat", "/dev/null"), { type: "character", mode: 0o666, major: 1, minor: 3 });
  t.match(await ask("open", join(directory.path, "none")), { errno: 2 });
  t.same(await ask("open", "/dev/null", "rw"), { errno: 0 });
  t.match(await ask("read", "/proc/sys/kernel/ostype"), { content: "Linux\n" });
  t.match(await ask("sysctl", "kernel.ostype"), { content: "Linux\n" });
  t.match(await ask("sysctl", "no.such"), { errno: 2 });
  const [input] = await ask("fds");
  t.match(input, { fd: 0, target: /^(pipe|socket):/ });
  const limited = await run("bash", ["-c", `ulimit -Sn 77; exec ${probe} rlimits`]);
  t.equal(JSON.parse(limited.stdout).RLIMIT_NOFILE[0], 77);
  const masked = await run("env", ["--block-signal=USR1", "--ignore-signal=HUP", probe, "signals"]);
  t.same(JSON.parse(masked.stdout), { blocked: [10], ignored: [1] });
});

test("it makes system calls, uses memory, forks, and waits for a signal", async (t) => {
  t.match(await ask("syscall", "100000"), { result: -1, errno: 38 });
  t.same(await ask("memory", "4"), { errno: 0 });
  t.same(await ask("forks", "5"), { started: 5, errno: 0 });
  await using waiting = start(probe, ["sleep"]);
  await waitFor(() => waiting.stdout() === "ready\n");
  waiting.kill("SIGTERM");
  t.equal((await waiting.ended).code, 0);
  t.match(waiting.stdout(), '{"signal":15}');
});

test("a wrong command line gets the list of commands", async (t) => {
  t.match(await run(probe, ["nonsense"]), { code: 2, stderr: /Usage: .*\n\n {2}id / });
  t.match(await run(probe, ["open"]), { code: 2 });
});
