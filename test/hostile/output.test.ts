import { waitFor } from "@gantry/testkit";
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

test("a reader of a log that stops, and one that leaves, hold up nobody", async (t) => {
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

async function pidOf(name: string): Promise<string> {
  return (await stack.ok(["inspect", "-f", "{{.State.Pid}}", name])).trim();
}
