import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type LayerEntry, processesOf, waitFor, writeDockerArchive } from "@gantry/testkit";
import { test } from "tap";
import { type Stack, startStack } from "../support/stack.ts";

/** Many small files: their unpacking takes a while and has many places to be cut off at. */
async function largeArchive(directory: string): Promise<string> {
  const path = join(directory, "large.tar");
  const layer = (at: number): LayerEntry[] =>
    Array.from({ length: 3000 }, (_, file) => ({ path: `l${at}/f${file}`, content: `${at} ${file}`.repeat(200) }));
  await writeDockerArchive(path, { name: "large:1", layers: [layer(1), layer(2), layer(3)], config: { Cmd: ["x"] } });
  return path;
}

test("kill -9 of the supervisor in the middle of a load: nothing half is seen, the next load works", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const archive = await largeArchive(stack.directory);
  const root = join(stack.root, "supervisor");
  const before = filesOf(root);
  for (let round = 0; round < 6; round++) {
    const load = stack.start(["load", "-i", archive]);
    // Each round a step further: while it is spooled, unpacked, …
    const steps = [
      () => readdirSync(join(root, "ingest")).length > 0,
      () => readdirSync(join(root, "ingest")).length > 3,
      () => filesOf(root).blobs > before.blobs,
      () => filesOf(root).blobs > before.blobs + 2,
      () => filesOf(root).snapshots > before.snapshots,
      () => filesOf(root).snapshots > before.snapshots + 1,
    ];
    await waitFor(() => steps[round]?.() || load.child.exitCode !== null, { timeoutMs: 20_000, intervalMs: 0 });
    await stack.killSupervisor();
    const { code } = await load.ended;
    await waitFor(async () => (await client(["images"])).code === 0, { timeoutMs: 30_000, what: "a supervisor again" });
    const loaded = (await client(["images", "-q", "large"])).stdout !== "";
    t.equal(loaded, code === 0, `round ${round}: there if and only if the load was answered (${load.stderr().trim()})`);
    if (!loaded) t.match(load.stderr(), /supervisor.*lost|connection to .*supervisor/i);
    if (loaded) await client(["rmi", "large:1"]);
    await waitFor(() => same(filesOf(root), before), {
      timeoutMs: 30_000,
      what: `no leftovers: ${JSON.stringify(filesOf(root))} ${JSON.stringify(before)}`,
    });
  }
  t.match(await stack.ok(["load", "-i", archive]), /Loaded image: large:1/);
  t.equal(await stack.ok(["run", "--rm", "busybox", "echo", "ok"]), "ok\n");
});

test("kill -9 of the engine in the middle of operations: each is whole or undone after the next start", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const quiet = ["busybox", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"];
  for (const delayMs of [0, 5, 20, 60, 150]) {
    await stack.ok(["run", "-d", "--name", "removed", "-p", "8081:80", ...quiet]);
    await stack.ok(["run", "-d", "--name", "stopped", ...quiet]);
    await stack.ok([
      "run",
      "-d",
      "--rm",
      "--name",
      "goes",
      "busybox",
      "sh",
      "-c",
      "while [ ! -e /go ]; do sleep 0.01; done",
    ]);
    const inGoes = `/proc/${(await stack.ok(["inspect", "-f", "{{.State.Pid}}", "goes"])).trim()}/root/go`;
    const work = [client(["rm", "-f", "removed"]), client(["stop", "stopped"]), client(["network", "create", "made"])];
    await stack.sh(`touch ${inGoes}`);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await stack.killEngine();
    const codes = (await Promise.all(work)).map(({ code }) => code);
    await stack.reviveEngine();
    const names = async () => (await client(["ps", "-a", "--format", "{{.Names}}"])).stdout.trim().split("\n").sort();
    await waitFor(async () => !(await names()).includes("goes"), { what: "--rm is kept" });
    if (codes[0] === 0) t.notOk((await names()).includes("removed"));
    const status = (await client(["inspect", "-f", "{{.State.Status}}", "stopped"])).stdout.trim();
    t.ok(status === "exited" || (codes[1] !== 0 && status === "running"), `stopped is ${status} after ${codes[1]}`);
    const network = (await client(["network", "ls", "--format", "{{.Name}}"])).stdout.includes("made");
    t.ok(network || codes[2] !== 0);
    if (network) t.equal((await client(["network", "rm", "made"])).code, 0);
    const rest = (await names()).filter(Boolean);
    const removed = await client(["rm", "-f", ...rest]);
    t.equal(removed.code, 0, removed.stderr);
    t.notMatch((await stack.sh("iptables-save")).stdout, /DNAT/, "no rule is left");
    t.match((await stack.sh("ip -o link show type bridge")).stdout, /^\d+: gantry0: [^\n]*\n$/, "no bridge is left");
    t.same(
      processesOf(stack.scope).filter(({ commandLine }) => /port-proxy/.test(commandLine)),
      [],
      "no proxy is left",
    );
  }
});

test("kill -9 of the client in every phase of run: the container is not its own", async (t) => {
  await using stack = await startStack();
  const { client } = stack;
  const ps = async () => (await client(["ps", "-aq", "--no-trunc"])).stdout.trim();
  for (const delayMs of [30, 45, 60, 75, 90, 120, 200]) {
    const run = stack.start([
      "run",
      "--rm",
      "--name",
      "one",
      "busybox",
      "sh",
      "-c",
      "while [ ! -e /go ]; do echo x; sleep 0.01; done",
    ]);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    run.kill("SIGKILL");
    await run.ended;
    // Its result stays: nothing, a container that was not started, or a running one.
    await settled(stack);
    const status = (await client(["inspect", "-f", "{{.State.Status}}", "one"])).stdout.trim();
    if (status === "created") await stack.ok(["rm", "one"]);
    else if (status === "running") {
      const pid = (await stack.ok(["inspect", "-f", "{{.State.Pid}}", "one"])).trim();
      await stack.sh(`touch /proc/${pid}/root/go`);
    }
    t.match(status, /^(created|running|)$/, `after ${delayMs} ms: ${status || "nothing"}`);
    await waitFor(async () => (await ps()) === "", { what: `${status} is gone` });
  }
});

/** Resolves when the engine has answered what came before this. */
async function settled(stack: Stack): Promise<void> {
  let last = "";
  await waitFor(
    async () => {
      const { stdout } = await stack.client(["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
      const same = stdout === last;
      last = stdout;
      return same;
    },
    { intervalMs: 100 },
  );
}

function filesOf(root: string): { ingest: number; blobs: number; snapshots: number } {
  const count = (path: string) => (existsSync(join(root, path)) ? readdirSync(join(root, path)).length : 0);
  return { ingest: count("ingest"), blobs: count("blobs/sha256"), snapshots: count("snapshots") };
}

function same(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
