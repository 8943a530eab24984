import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";

const stack = await fileStack();
const { client } = stack;

test("run prints what the container prints, on the stream it used", async (t) => {
  const result = await client(["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2"]);
  t.strictSame(result, { code: 0, stdout: "out\n", stderr: "err\n" });
  t.equal((await client(["ps", "-aq"])).stdout, "", "--rm leaves nothing");
});

test("exit codes are the conventional ones", async (t) => {
  const cases: [string[], number][] = [
    [["run", "--rm", "busybox", "sh", "-c", "exit 7"], 7],
    [["run", "--rm", "--init", "busybox", "sh", "-c", "kill -9 $$"], 137],
    [["run", "--rm", "busybox", "no-such-program"], 127],
    [["run", "--rm", "busybox", "/etc"], 126],
    [["run", "--rm", "busybox", "/etc/passwd"], 126],
    [["run", "--no-such-flag", "busybox"], 125],
    [["run", "--rm", "no-such-image:1", "true"], 125],
  ];
  for (const [args, code] of cases) {
    const result = await client(args);
    t.equal(result.code, code, args.slice(2).join(" "));
    if (code >= 125 && code < 128) t.match(result.stderr, /\S/, "says why");
  }
  t.equal((await client(["ps", "-aq"])).stdout, "", "nothing is left of the failed ones");
});

test("stdin reaches the container with -i, and its end ends it", async (t) => {
  const text = "line\n".repeat(20_000);
  const result = await client(["run", "-i", "--rm", "busybox", "wc", "-c"], { stdin: text });
  t.equal(result.stdout.trim(), String(text.length));
});

test("without -i the container's stdin is empty", async (t) => {
  t.equal((await client(["run", "--rm", "busybox", "cat"], { stdin: "unseen" })).stdout, "");
});

test("much output comes through whole, on both streams at once", async (t) => {
  const script = "yes 0123456789abcdef | head -c 20000000 & yes fedcba9876543210 | head -c 20000000 >&2; wait";
  const result = await client(["run", "--rm", "busybox", "sh", "-c", script]);
  t.equal(result.code, 0);
  t.equal(result.stdout, "0123456789abcdef\n".repeat(1_176_471).slice(0, 20_000_000));
  t.equal(result.stderr, "fedcba9876543210\n".repeat(1_176_471).slice(0, 20_000_000));
});

test("environment, working directory, user, host name and labels are as asked", async (t) => {
  const result = await client(
    [
      "run",
      "--rm",
      "-e",
      "A=1",
      "-e",
      "FROM_OUTSIDE",
      "-w",
      "/tmp/deep",
      "-u",
      "1000:2000",
      "--hostname",
      "box",
      "busybox",
      "sh",
      "-c",
      "echo $A $FROM_OUTSIDE $(pwd) $(id -u):$(id -g) $(hostname)",
    ],
    { env: { FROM_OUTSIDE: "yes" } },
  );
  t.equal(result.stdout, "1 yes /tmp/deep 1000:2000 box\n", result.stderr);
});

test("the container is a container: own processes, masked paths, few capabilities, seccomp on", async (t) => {
  const script =
    "echo $$; cat /proc/sys/kernel/hostname; grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/self/status; cat /proc/kcore | head -c 1 | wc -c; mount -t tmpfs x /tmp 2>&1; ls /proc/self/fd | wc -l";
  const { stdout } = await client(["run", "--rm", "busybox", "sh", "-c", script]);
  const lines = stdout.split("\n");
  t.equal(lines[0], "1");
  t.match(stdout, /CapEff:\s+00000000a80425fb/, "Docker's fourteen");
  t.match(stdout, /Seccomp:\s+2/);
  t.match(stdout, /^0$/m, "kcore is masked");
  t.match(stdout, /permission denied|not permitted/i);
});

test("--cap-add, --cap-drop, --privileged and --read-only change just that", async (t) => {
  const caps = async (...flags: string[]) =>
    /CapEff:\s+(\w+)/.exec(
      (await client(["run", "--rm", ...flags, "busybox", "cat", "/proc/self/status"])).stdout,
    )?.[1];
  t.equal(await caps("--cap-drop", "ALL"), "0000000000000000");
  t.equal(await caps("--cap-drop", "ALL", "--cap-add", "NET_ADMIN"), "0000000000001000");
  t.equal((await client(["run", "--rm", "--privileged", "busybox", "mount", "-t", "tmpfs", "x", "/tmp"])).code, 0);
  const readOnly = await client([
    "run",
    "--rm",
    "--read-only",
    "--tmpfs",
    "/scratch",
    "busybox",
    "sh",
    "-c",
    "touch /scratch/ok && touch /no",
  ]);
  t.not(readOnly.code, 0);
  t.match(readOnly.stderr, /Read-only file system/);
});

test("limits reach the kernel", async (t) => {
  const script =
    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max";
  const { stdout } = await client(["run", "--rm", "-m", "64m", "--cpus", "0.5", "busybox", "sh", "-c", script]);
  t.match(stdout, /^67108864\n50000/);
});

test("--init puts an init in front, and it reaps", async (t) => {
  const { stdout } = await client([
    "run",
    "--rm",
    "--init",
    "busybox",
    "sh",
    "-c",
    "echo $$; cat /proc/1/cmdline | tr '\\0' ' '",
  ]);
  t.match(stdout, /^[2-9]\d*\n\S*(init|tini)/);
});

test("--env-file, --entrypoint and --label are taken", async (t) => {
  const file = `${stack.directory}/env`;
  const { writeFileSync } = await import("node:fs");
  writeFileSync(file, "# comment\nX=from file\n\nY=\n");
  const result = await client([
    "run",
    "--name",
    "labelled",
    "--label",
    "a=b",
    "--env-file",
    file,
    "--entrypoint",
    "/bin/sh",
    "busybox",
    "-c",
    'echo "$X|$Y|"',
  ]);
  t.equal(result.stdout, "from file||\n", result.stderr);
  t.equal((await client(["inspect", "--format", '{{ index .Config.Labels "a" }}', "labelled"])).stdout, "b\n");
  await client(["rm", "labelled"]);
});

test("a signal to the client reaches the container", async (t) => {
  const result = await stack.signalled(
    ["run", "--rm", "busybox", "sh", "-c", "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done"],
    /ready/,
    "SIGTERM",
  );
  t.equal(result.code, 5);
  t.match(result.stdout, /got/);
});

test("a failed start reports the runtime's message once, and an unknown name as such", async (t) => {
  const failed = async (...args: string[]) => (await client(["run", "--rm", ...args])).stderr;
  t.equal(
    await failed("busybox", "no-such-program"),
    'client: Error response from engine: failed to create task for container: exec: "no-such-program": executable file not found in $PATH.\n',
  );
  t.equal(
    await failed("-u", "nobody-here", "busybox", "true"),
    "client: Error response from engine: unable to find user nobody-here: no matching entries in passwd file.\n",
  );
  t.match(await failed("-v", "/etc/passwd:/tmp", "busybox", "true"), /Are you trying to mount a directory onto a file/);
});

test("root is in its own group in every kind of start; the host's IPC namespace can be shared", async (t) => {
  const groups = "grep Groups: /proc/self/status | tr -d '\\t '";
  t.equal((await client(["run", "--rm", "busybox", "sh", "-c", groups])).stdout, "Groups:0\n");
  await client(["run", "-d", "--name", "groups", "busybox", "sleep", "300"]);
  t.equal((await client(["exec", "groups", "sh", "-c", groups])).stdout, "Groups:0\n");
  t.equal((await client(["exec", "-u", "nobody-here", "groups", "true"])).code, 126);
  await client(["rm", "-f", "groups"]);
  const shared = await client(["run", "--rm", "--ipc", "host", "busybox", "readlink", "/proc/self/ns/ipc"]);
  t.equal(shared.stdout, (await stack.sh("readlink /proc/self/ns/ipc")).stdout, shared.stderr);
});

test("inspect has every field that a template may name", async (t) => {
  await client(["run", "-d", "--name", "fields", "--tmpfs", "/t:size=1m", "busybox", "true"]);
  await client(["wait", "fields"]);
  const show = async (template: string) => (await client(["inspect", "-f", template, "fields"])).stdout.trim();
  t.equal(
    await show("{{json .HostConfig.VolumesFrom}} {{.HostConfig.OomKillDisable}} {{json .Mounts}}"),
    "null false []",
  );
  t.match(await show("{{json .HostConfig.MaskedPaths}}"), /"\/proc\/kcore"/);
  t.match(await show("{{.HostConfig.CgroupnsMode}}"), /^(host|private)$/);
  const [started = "", finished = ""] = (await show("{{.State.StartedAt}} {{.State.FinishedAt}}")).split(" ");
  t.ok(started <= finished, `${started} comes before ${finished}`);
  await client(["rm", "fields"]);
});

test("any name of 64 bytes is a host name, as the kernel has it", async (t) => {
  for (const name of ["a".repeat(64), "_under", "-dash", "ümlaut", "two words"]) {
    const result = await client([
      "run",
      "--rm",
      `--hostname=${name}`,
      "busybox",
      "sh",
      "-c",
      "hostname; cat /etc/hostname",
    ]);
    t.equal(result.stdout, `${name}\n${name}\n`, result.stderr);
  }
  for (const name of ["a".repeat(65), "ü".repeat(33), "two\nlines"]) {
    const result = await client(["run", "--rm", `--hostname=${name}`, "busybox", "true"]);
    t.match([result.code, result.stderr], [125, /invalid hostname/], name);
  }
});

test("every user gets through a container's root directory, whatever mode the image gives it", async (t) => {
  await client(["run", "--name", "closed", "busybox", "chmod", "700", "/"]);
  await client(["commit", "closed", "closed-root"]);
  await client(["rm", "closed"]);
  const result = await client(["run", "--rm", "-u", "1000", "closed-root", "stat", "-c", "%a", "/"]);
  t.equal(result.stdout, "755\n", result.stderr);
  await client(["rmi", "closed-root"]);
});

test("a mount that is given twice counts once; two for one place are refused", async (t) => {
  const list = async (...mounts: string[]) =>
    client(["run", "--rm", ...mounts.flatMap((mount) => ["-v", mount]), "busybox", "ls", "/mnt/hostname"]);
  t.equal((await list("/etc:/mnt", "/etc:/mnt")).stdout, "/mnt/hostname\n");
  const both = await list("/etc:/mnt", "/etc:/mnt:ro");
  t.match([both.code, both.stderr], [125, /Duplicate mount point: \/mnt/]);
});

test("a file on a directory, a directory on a file, and a file as working directory end with 125", async (t) => {
  for (const flags of [
    ["-v", "/etc/hostname:/tmp"],
    ["-v", "/tmp:/etc/passwd"],
    ["-w", "/etc/passwd"],
    ["-w", "/etc/passwd/below"],
  ]) {
    const result = await client(["run", "--rm", ...flags, "busybox", "true"]);
    t.equal(result.code, 125, flags.join(" "));
    t.match(result.stderr, /directory/);
  }
});
