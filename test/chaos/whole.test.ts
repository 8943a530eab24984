import { rmSync } from "node:fs";
import { join } from "node:path";
import { processesOf, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { binary, isAlive, startStack } from "../support/stack.ts";

test("SIGTERM of engine and supervisor with containers running, then a start: everything keeps working", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  await stack.ok(["run", "-d", "--name", "runs", "busybox", "sleep", "1000"]);
  const pid = Number(await stack.ok(["inspect", "-f", "{{.State.Pid}}", "runs"]));
  const supervisor = processesOf(stack.scope).find(({ commandLine }) => /\/supervisor\s/.test(commandLine));
  process.kill(supervisor?.pid ?? -1, "SIGTERM");
  await stack.restartEngine("SIGTERM");
  t.ok(isAlive(pid));
  t.equal((await client(["exec", "runs", "echo", "on"])).stdout, "on\n");
  t.equal((await client(["ps", "--format", "{{.Names}}"])).stdout, "runs\n");
});

test("the engine's socket is removed: containers keep running, another engine is refused, a restart repairs it", async (t) => {
  await using stack = await startStack();
  const { client, sh } = stack;
  await stack.ok(["run", "-d", "--name", "runs", "busybox", "sleep", "1000"]);
  const pid = Number(await stack.ok(["inspect", "-f", "{{.State.Pid}}", "runs"]));
  rmSync(join(stack.state, "engine.sock"));
  const lost = await client(["ps"]);
  t.equal(lost.code, 1);
  t.match(lost.stderr, /Cannot connect to the Gantry engine/);
  const other = await sh(`timeout 20 ${binary("engine")} --root ${stack.root} --state ${stack.state}`);
  t.equal(other.code, 1);
  t.match(other.stderr, /is in use by another engine/);
  await stack.restartEngine("SIGTERM");
  t.ok(isAlive(pid));
  t.equal((await client(["ps", "--format", "{{.Names}}"])).stdout, "runs\n");
});

test("root, state and socket belong to one engine: another one is refused before it has touched anything", async (t) => {
  await using stack = await startStack();
  const { sh } = stack;
  await stack.ok(["run", "-d", "--name", "runs", "-p", "8080:80", "busybox", "sleep", "1000"]);
  const machine = async () =>
    (await sh("iptables-save | grep -v '^#' | sed 's/\\[.*\\]//'; ip -o link show type bridge | wc -l")).stdout;
  const before = await machine();
  const other = join(stack.directory, "other");
  const engine = (args: string) =>
    sh(`timeout 20 ${binary("engine")} --bridge other0 --cgroup-parent ${stack.cgroupParent} ${args}`);
  const cases: [string, RegExp][] = [
    [`--root ${stack.root} --state ${stack.state}`, /^engine: \S+ is in use by another engine\n$/],
    [`--root ${stack.root} --state ${other}`, /^engine: \S+ is in use by another engine\n$/],
    [
      `--root ${other} --state ${stack.state}`,
      /^engine: \S+\/state is in use by another engine \(process \d+\): give each/,
    ],
    [`--root ${other} --state ${other} -H ${stack.host}`, /^engine: \S+engine\.sock: another server listens there\n$/],
  ];
  for (const [args, message] of cases) {
    const refused = await engine(args);
    t.equal(refused.code, 1, args);
    t.match(refused.stderr, message);
  }
  for (const state of [stack.state, other]) {
    const root = join(stack.root, "supervisor");
    const refused = await sh(`timeout 20 ${binary("supervisor")} --root ${root} --state ${state}/supervisor`);
    t.equal(refused.code, 1);
    t.match(
      refused.stderr,
      /^supervisor: .*is in use by another supervisor \(process \d+\): give each its own --root\n$/,
    );
  }
  t.equal(await machine(), before, "rules and bridges are as they were");
  t.equal(await stack.ok(["exec", "runs", "echo", "untouched"]), "untouched\n");

  await stack.killEngine();
  const stranger = await engine(`--root ${other} --state ${stack.state}`);
  t.equal(stranger.code, 1);
  t.match(
    stranger.stderr,
    /^engine: the supervisor at \S+ \(process \d+\) keeps \S+, not \S+: use its engine's --root, or/,
  );
  await stack.reviveEngine();
  t.equal(
    await stack.ok(["exec", "runs", "echo", "still"]),
    "still\n",
    "its containers are not cleared away by a stranger",
  );
});

test("a shutdown with 20 containers ends them all in the time of one", async (t) => {
  await using stack = await startStack({ busybox: true, allowLeaks: true });
  const names = Array.from({ length: 20 }, (_, at) => `c${at}`);
  const started = names.map((name, at) =>
    stack.ok([
      "run",
      "-d",
      "--name",
      name,
      "-p",
      `${9000 + at}:80`,
      "busybox",
      "sh",
      "-c",
      "trap 'exit 0' TERM; while :; do sleep 0.05; done",
    ]),
  );
  await Promise.all(started);
  const begun = performance.now();
  const shutdown = await stack.sh(`${binary("engine")} shutdown --state ${stack.state}`);
  t.equal(shutdown.code, 0, shutdown.stderr);
  t.ok(performance.now() - begun < 9000, `${performance.now() - begun} ms`);
  await waitFor(() => processesOf(stack.scope).length === 0, {
    what: `nothing runs: ${processesOf(stack.scope).map(({ commandLine }) => commandLine)}`,
  });
  t.equal((await stack.sh("iptables-save")).stdout.match(/^-A/gm), null);
  t.equal((await stack.sh("ip -o link show type bridge")).stdout, "");
  t.equal((await stack.sh(`grep -c ${stack.state} /proc/self/mountinfo`)).stdout, "0\n");
});
