import { waitFor } from "@gantry/testkit";
import { t as tap, test } from "tap";
import { isAlive, killAndWait, startStack } from "../support/stack.ts";

tap.setTimeout(180_000);

const web = "mkdir /www; echo alive > /www/index.html; exec httpd -f -p 80 -h /www";

test("kill -9 of engine and supervisor: containers, ports and logs go on, the next start finds them", async (t) => {
  await using stack = await startStack();
  const { client, sh } = stack;
  await client(["run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sh", "-c", web]);
  await client([
    "run",
    "-d",
    "--name",
    "ticks",
    "busybox",
    "sh",
    "-c",
    "i=0; while :; do echo $((i=i+1)); sleep 0.02; done",
  ]);
  await client([
    "run",
    "-d",
    "--name",
    "brief",
    "busybox",
    "sh",
    "-c",
    "while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 42",
  ]);
  const body = async () => (await sh("curl -s -m 2 http://127.0.0.1:8080/")).stdout;
  await waitFor(async () => (await body()) === "alive\n");
  const pid = (await client(["inspect", "-f", "{{.State.Pid}}", "brief"])).stdout.trim();

  await stack.killEngine();
  await stack.killSupervisor();
  t.equal(await body(), "alive\n", "the port answers with both dead");
  await sh(`touch /proc/${pid}/root/tmp/go`);
  await waitFor(() => !isAlive(Number(pid)));

  await stack.reviveEngine();
  t.equal(await body(), "alive\n");
  t.equal((await client(["inspect", "-f", "{{.State.Running}}", "web"])).stdout, "true\n");
  await waitFor(
    async () =>
      (await client(["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "brief"])).stdout === "exited 42\n",
    { what: "the exit that was missed" },
  );
  t.equal((await client(["exec", "web", "echo", "exec"])).stdout, "exec\n");
  const lines = (await client(["logs", "ticks"])).stdout.trim().split("\n").map(Number);
  t.ok(
    lines.every((line, index) => line === index + 1),
    "not a line of the log is lost",
  );
  t.equal((await client(["rm", "-f", "web", "ticks", "brief"])).code, 0);
});

test("kill -9 of both while a container writes at full speed: its log holds every line once", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const count = 400_000;
  const options = ["--log-opt", "max-size=4m", "--log-opt", "max-file=20", "--log-opt", "compress=true"];
  await stack.ok(["run", "-d", "--name", "flood", ...options, "busybox", "seq", "1", String(count)]);
  const pid = Number(await stack.ok(["inspect", "-f", "{{.State.Pid}}", "flood"]));
  await stack.killEngine();
  await stack.killSupervisor();
  await waitFor(() => !isAlive(pid), { timeoutMs: 60_000, what: "the end of its output" });
  await stack.reviveEngine();
  const lines = (await client(["logs", "flood"])).stdout.split("\n");
  t.equal(lines.length, count + 1);
  t.equal(
    lines.findIndex((line, index) => line !== String(index + 1) && index < count),
    -1,
  );
  t.equal((await client(["logs", "--tail", "2", "flood"])).stdout, `${count - 1}\n${count}\n`);
  t.equal((await client(["rm", "-f", "flood"])).code, 0);
});

test("kill -9 of a shim: its container lives on, with its log, exec and exit", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const script = "trap 'exit 5' TERM; i=0; while true; do echo $i; i=$((i+1)); sleep 0.05; done";
  await client(["run", "-d", "--name", "victim", "busybox", "sh", "-c", script]);
  const inspect = async (what: string) =>
    (await client(["inspect", "-f", `{{.State.${what}}}`, "victim"])).stdout.trim();
  const pid = await inspect("Pid");
  await killAndWait(await stack.shimOf("victim"));
  t.equal((await client(["exec", "victim", "echo", "by the next shim"])).stdout, "by the next shim\n");
  t.equal(await inspect("Running"), "true");
  t.equal(await inspect("Pid"), pid);
  t.equal((await client(["stop", "victim"])).code, 0);
  t.equal(await inspect("ExitCode"), "5");
  const lines = (await client(["logs", "victim"])).stdout.trimEnd().split("\n");
  t.same(
    lines,
    lines.map((_, index) => String(index)),
    "no line is missing, none is doubled",
  );
  t.equal((await client(["start", "victim"])).code, 0, "it can be started again");
  t.equal((await client(["rm", "-f", "victim"])).code, 0);
});

test("kill -9 of a keeper ends its own container, and is reported", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  await client(["run", "-d", "--name", "victim", "busybox", "sleep", "1000"]);
  await client(["run", "-d", "--name", "other", "busybox", "sleep", "1000"]);
  const pid = Number((await client(["inspect", "-f", "{{.State.Pid}}", "victim"])).stdout);
  await killAndWait(await stack.keeperOf("victim"));
  await waitFor(async () => (await client(["inspect", "-f", "{{.State.Running}}", "victim"])).stdout === "false\n");
  await waitFor(() => !isAlive(pid), { what: "the end of the process" });
  t.equal((await client(["inspect", "-f", "{{.State.Running}}", "other"])).stdout, "true\n");
  t.equal(
    (await client(["inspect", "-f", "{{.State.ExitCode}} {{.State.Error}}", "victim"])).stdout,
    "137 its keeper died\n",
  );
  t.equal((await client(["start", "victim"])).code, 0, "it can be started again");
  t.equal((await client(["rm", "-f", "victim", "other"])).code, 0);
});

test("kill -9 of the engine in the middle of starts: the next start puts all in order", async (t) => {
  await using stack = await startStack();
  for (let round = 0; round < 3; round++) {
    const started = Array.from({ length: 6 }, (_, index) =>
      stack.client([
        "run",
        "-d",
        "--name",
        `r${round}-${index}`,
        "-p",
        `${9000 + index}:80`,
        "busybox",
        "sleep",
        "1000",
      ]),
    );
    await Promise.race(started);
    await stack.killEngine();
    if (round === 2) await stack.killSupervisor();
    await Promise.all(started);
    await stack.reviveEngine();
    const ids = (await stack.client(["ps", "-aq"])).stdout.trim().split("\n").filter(Boolean);
    const removed = await stack.client(["rm", "-f", ...ids]);
    t.equal(removed.code, 0, removed.stderr);
    t.equal((await stack.client(["ps", "-aq"])).stdout, "");
    t.notMatch((await stack.sh("iptables-save")).stdout, /DNAT/, "no rule is left");
    t.equal((await stack.sh("ip -o link show type veth")).stdout, "", "no interface is left");
  }
});
