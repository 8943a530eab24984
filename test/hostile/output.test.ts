import { join } from "node:path";
import { distBin, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";
import { privateMemory, supervisorOf } from "./raw-peer.ts";

const stack = await fileStack();
const flood = ["busybox", "sh", "-c", "while :; do echo 0123456789012345678901234567890123456789; done"];

test("a client that does not read slows its container, and costs the daemons no memory", async (t) => {
  const run = stack.start(["run", "--rm", "--name", "flood", "--log-driver", "none", ...flood]);
  await waitFor(() => run.stdout().length > 1_000_000, { timeoutMs: 30_000, what: "much output" });
  const shim = await stack.shimOf("flood");
  run.kill("SIGSTOP");
  const daemons = { engine: stack.engine().pid, supervisor: supervisorOf(stack), shim };
  const written = async () =>
    Number((await stack.sh(`sed -n 's/^wchar: //p' /proc/${await pidOf("flood")}/io`)).stdout);
  // It stops once every buffer on the way is full.
  let last = -1;
  await waitFor(
    async () => {
      const now = await written();
      const same = now === last;
      last = now;
      return same;
    },
    { timeoutMs: 10_000, intervalMs: 200, what: "the container is held up" },
  );
  for (const [name, pid] of Object.entries(daemons)) {
    t.ok(privateMemory(pid) < 150_000, `${name} has ${privateMemory(pid)} KiB`);
  }
  t.equal(await stack.ok(["run", "--rm", "busybox", "echo", "others"]), "others\n", "others are not held up");
  run.kill("SIGCONT");
  await waitFor(async () => (await written()) > last, { what: "it goes on with its reader" });
  run.kill("SIGSTOP");
  run.kill("SIGKILL");
  await run.ended;
  await waitFor(async () => (await written()) > last + 10_000_000, {
    timeoutMs: 30_000,
    what: "it goes on without a reader",
  });
  await stack.ok(["rm", "-f", "flood"]);
});

test("a log reader that stops or disconnects does not block others", async (t) => {
  await stack.ok(["run", "-d", "--name", "noisy", "--log-opt", "max-size=5m", "--log-opt", "max-file=3", ...flood]);
  const follower = stack.start(["logs", "-f", "noisy"]);
  await waitFor(() => follower.stdout().length > 1_000_000, { timeoutMs: 30_000, what: "much output" });
  follower.kill("SIGSTOP");
  const pid = await pidOf("noisy");
  const written = async () => Number((await stack.sh(`sed -n 's/^wchar: //p' /proc/${pid}/io`)).stdout);
  const before = await written();
  await waitFor(async () => (await written()) > before + 10_000_000, {
    timeoutMs: 30_000,
    what: "the container goes on",
  });
  t.ok(privateMemory(stack.engine().pid) < 150_000);
  follower.kill("SIGKILL");
  await follower.ended;
  t.match(await stack.ok(["logs", "-n", "1", "noisy"]), /^0123/);
  await stack.ok(["rm", "-f", "noisy"]);
});

/** Commands that print, in an order that lets each succeed but for its output. */
const clientCommands = [
  ...["--help", "--version", "network --help", "run --help", "version", "info", "images", "ps -a", "network ls"],
  ...["volume ls", "network inspect bridge", "inspect talker", "inspect -f {{.Id}} talker", "image inspect busybox"],
  ...["history busybox", "logs talker", "logs -f talker", "port sleeper", "top sleeper", "exec sleeper echo out"],
  ...["events --since 0 --until 0s", "run --rm busybox echo out", "run --rm -t busybox echo out"],
  ...["run -d --name detached busybox true", "create --name created busybox", "start -a talker", "start talker"],
  ...["wait talker", "stop talker", "save busybox", "volume create", "kill sleeper"],
  ...["commit talker", "tag busybox other && $client rmi other", "rm detached created talker", "volume prune -f"],
];
const ctrCommands = [
  ...["--help", "--version", "images --help", "version", "info", "namespaces ls", "images ls", "images ls -q"],
  ...["content ls", "snapshots ls", "containers ls", "tasks ls", "leases ls", "plugins ls", "oci spec"],
  ...["images export - docker.io/library/busybox:latest", "containers info idle", "snapshots info idle"],
  ...["run --rm docker.io/library/busybox:latest once echo out", "leases create", "containers label idle a=b"],
];

test("output to a full device: one sentence, exit code 1, and no stack trace, for every command that prints", async (t) => {
  t.setTimeout(300_000);
  await stack.ok(["run", "--name", "talker", "busybox", "echo", "out"]);
  await stack.ok(["run", "-d", "--name", "sleeper", "-p", "80", "busybox", "sleep", "1000"]);
  const ctr = `${join(distBin, "ctr")} -a ${stack.state}/supervisor/supervisor.sock`;
  await stack.sh(`${ctr} containers create docker.io/library/busybox:latest idle`);
  const client = `${join(distBin, "client")} -H ${stack.host}`;
  const onFull = async (program: string, prefix: string, commands: readonly string[]) => {
    for (const command of commands) {
      const line = `${program} ${command.replaceAll("$client", program)} </dev/null >/dev/full`;
      const { code, stderr } = await stack.sh(line);
      t.same({ code, stderr }, { code: 1, stderr: `${prefix}write /dev/stdout: no space left on device\n` }, command);
    }
  };
  await onFull(client, "", clientCommands);
  await onFull(ctr, "ctr: ", ctrCommands);
  for (const name of ["engine", "supervisor", "shim", "port-proxy", "oci-runtime", "oci-runtime-worker"])
    await onFull(join(distBin, name), `${name}: `, ["--help", "--version"]);
  await stack.sh(`${ctr} containers rm idle`);
  await stack.sh(
    `${client} rm -f sleeper talker detached created; ${client} rmi $(${client} images -f dangling=true -q)`,
  );
});

test("a message to a full device changes no exit code", async (t) => {
  const client = `${join(distBin, "client")} -H ${stack.host}`;
  for (const [command, code] of [
    ["run --nope busybox", 125],
    ["run --rm busybox sh -c 'exit 7'", 7],
    ["inspect missing >/dev/null", 1],
    ["run --rm busybox /nothing", 127],
  ] as const)
    t.equal((await stack.sh(`${client} ${command} 2>/dev/full`)).code, code, command);
});

async function pidOf(name: string): Promise<string> {
  return (await stack.ok(["inspect", "-f", "{{.State.Pid}}", name])).trim();
}
