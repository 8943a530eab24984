import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { isAlive } from "../support/stack.ts";

const stack = await fileStack();
const { client } = stack;
const ok = async (...args: string[]) => {
  const result = await client(args);
  if (result.code !== 0) throw new Error(`client ${args.join(" ")}: ${result.code} ${result.stderr}`);
  return result.stdout.trim();
};

test("a container's life, one command at a time", async (t) => {
  const id = await ok(
    "create",
    "--name",
    "life",
    "busybox",
    "sh",
    "-c",
    "echo started; trap 'exit 3' TERM; while :; do sleep 0.05; done",
  );
  t.match(id, /^[0-9a-f]{64}$/);
  t.equal(await ok("inspect", "-f", "{{.State.Status}}", "life"), "created");
  t.equal(await ok("start", "life"), "life");
  await waitFor(async () => (await ok("logs", "life")) === "started");
  t.match(await ok("ps"), new RegExp(`${id.slice(0, 12)}\\s+busybox\\s+"sh -c 'echo started.*\\s+Up`));
  const pid = Number(await ok("inspect", "-f", "{{.State.Pid}}", "life"));
  t.ok(isAlive(pid), "the process is there");
  t.equal(await ok("exec", "life", "sh", "-c", "echo $$ > /dev/null; echo inside"), "inside");
  await ok("pause", "life");
  t.equal(await ok("inspect", "-f", "{{.State.Status}}", "life"), "paused");
  await ok("unpause", "life");
  await ok("restart", "-t", "5", "life");
  t.equal(await ok("inspect", "-f", "{{.State.Running}}", "life"), "true");
  await ok("stop", "-t", "5", "life");
  t.equal(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life"), "exited 3");
  t.equal(await ok("wait", "life"), "3");
  t.equal(await ok("rm", "life"), "life");
  t.not((await client(["inspect", "life"])).code, 0);
});

test("stop kills processes that ignore its signal, kill sends any signal", async (t) => {
  await ok(
    "run",
    "-d",
    "--name",
    "deaf",
    "busybox",
    "sh",
    "-c",
    "trap '' TERM; trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done",
  );
  await ok("stop", "-t", "1", "deaf");
  t.equal(await ok("inspect", "-f", "{{.State.ExitCode}}", "deaf"), "137");
  await ok("start", "deaf");
  await waitFor(async () => (await ok("logs", "deaf")) === "ready\nready");
  await ok("kill", "-s", "USR1", "deaf");
  t.equal(await ok("wait", "deaf"), "9");
  await ok("rm", "deaf");
});

test("exec runs as asked and gives its exit code", async (t) => {
  await ok("run", "-d", "--name", "host", "busybox", "sleep", "1000");
  t.equal((await client(["exec", "host", "sh", "-c", "exit 9"])).code, 9);
  t.equal((await client(["exec", "host", "no-such-program"])).code, 127);
  t.equal(
    await ok("exec", "-e", "V=1", "-w", "/tmp", "-u", "12", "host", "sh", "-c", "echo $V $(pwd) $(id -u)"),
    "1 /tmp 12",
  );
  t.equal((await client(["exec", "-i", "host", "cat"], { stdin: "through" })).stdout, "through");
  await ok("exec", "-d", "host", "sh", "-c", "echo yes > /tmp/flag");
  await waitFor(async () => (await client(["exec", "host", "cat", "/tmp/flag"])).stdout === "yes\n");
  await ok("rm", "-f", "host");
  t.equal((await client(["exec", "host", "true"])).code, 1);
});

test("logs --since and --until at a line's own time include it, and no line beyond it", async (t) => {
  const script = "i=0; while [ $i -lt 20 ]; do echo line$i; i=$((i+1)); sleep 0.01; done";
  await ok("run", "--name", "timed", "busybox", "sh", "-c", script);
  const stamped = (await client(["logs", "-t", "timed"])).stdout.trimEnd().split("\n");
  const lines = stamped.map((line) => line.split(" ") as [time: string, text: string]);
  t.equal(lines.length, 20);
  const texts = (keep: (time: string) => boolean) =>
    lines
      .filter(([time]) => keep(time))
      .map(([, text]) => `${text}\n`)
      .join("");
  for (const [time] of lines) {
    t.equal(
      (await client(["logs", "--since", time, "timed"])).stdout,
      texts((other) => other >= time),
    );
    t.equal(
      (await client(["logs", "--until", time, "timed"])).stdout,
      texts((other) => other <= time),
    );
  }
  await ok("rm", "timed");
});

test("logs keep both streams, follow, and can be cut", async (t) => {
  await ok("run", "--name", "talk", "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done");
  const all = await client(["logs", "talk"]);
  t.equal(all.stdout, "out1\nout2\nout3\nout4\nout5\n");
  t.equal(all.stderr, "err1\nerr2\nerr3\nerr4\nerr5\n");
  const tail = await client(["logs", "--tail", "3", "talk"]);
  t.equal((tail.stdout + tail.stderr).split("\n").length, 4, "three lines and the end");
  t.match((await client(["logs", "-t", "talk"])).stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z out1\n/);
  await ok("rm", "talk");
  await ok("run", "-d", "--name", "slow", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done");
  t.equal((await client(["logs", "-f", "slow"])).stdout, "1\n2\n3\n");
  await ok("rm", "slow");
});

test("attach shows new output and returns the exit code", async (t) => {
  await ok("create", "-i", "--name", "echo", "busybox", "sh", "-c", "read line; echo got $line; exit 4");
  const attached = client(["start", "-a", "-i", "echo"], { stdin: "words\n" });
  t.strictSame(await attached, { code: 4, stdout: "got words\n", stderr: "" });
  await ok("rm", "echo");
});

test("restart policies are kept", async (t) => {
  await ok("run", "-d", "--name", "again", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 1");
  await waitFor(
    async () => (await ok("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "again")) === "2 exited",
    { timeoutMs: 20_000 },
  );
  t.equal(await ok("logs", "again"), "run\nrun\nrun");
  await ok("rm", "again");
});

test("a forced removal beside a start or a restart removes the container", async (t) => {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  for (let round = 0; round < 20; round++) {
    const id = await ok("create", "busybox", "sleep", "1000");
    const restarts = round % 2 === 1;
    if (restarts) await ok("start", id);
    const racing = client(restarts ? ["restart", "-t", "0", id] : ["start", id]);
    // The moment of the removal moves over the whole start.
    await pause(round * 8);
    t.strictSame(await client(["rm", "-f", id]), { code: 0, stdout: `${id}\n`, stderr: "" }, `round ${round}`);
    await racing;
    t.not((await client(["inspect", id])).code, 0);
  }
  t.equal(await ok("ps", "-aq"), "");
});

test("a restart keeps a container with --rm, its exit removes it", async (t) => {
  await ok("run", "-d", "--rm", "--name", "brief", "busybox", "sh", "-c", "while :; do sleep 0.05; done");
  await ok("restart", "-t", "0", "brief");
  t.equal(await ok("inspect", "-f", "{{.State.Status}}", "brief"), "running");
  await ok("stop", "-t", "0", "brief");
  await waitFor(async () => (await client(["inspect", "brief"])).code !== 0);
});

test("events are reported in order", async (t) => {
  const since = String(Date.now() / 1000 - 0.001);
  await ok("run", "--rm", "--name", "observed", "busybox", "true");
  const until = String(Date.now() / 1000 + 1);
  const lines = await waitFor(async () => {
    const out = await ok(
      "events",
      "--since",
      since,
      "--until",
      until,
      "--filter",
      "type=container",
      "--format",
      "{{.Action}}",
    );
    return out.includes("destroy") ? out.split("\n") : undefined;
  });
  const order = ["create", "start", "die", "destroy"].map((action) => lines.indexOf(action));
  t.ok(
    order.every((at) => at >= 0),
    lines.join(" "),
  );
  t.strictSame(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test("twenty containers at once", async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `many${index}`);
  const results = await Promise.all(
    names.map((name) => client(["run", "-d", "--name", name, "busybox", "sleep", "1000"])),
  );
  t.strictSame(
    results.filter((result) => result.code !== 0),
    [],
  );
  t.equal((await ok("ps", "-q")).split("\n").length, 20);
  const addresses = (await ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", ...names)).split("\n");
  t.equal(new Set(addresses).size, 20, "each has an address of its own");
  await ok("rm", "-f", ...names);
  t.equal(await ok("ps", "-aq"), "");
});
