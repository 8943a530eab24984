import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isRpcError } from "@gantry/ipc";
import { randomFrom, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { createContainer, namespace, startTask } from "./support/container.ts";
import { stackWithBusybox } from "./support/shared-stack.ts";
import { isAlive, nothingLeft, ofTask, stdio } from "./support/watch.ts";

/** The same kills every time; others by hand: GANTRY_SEED=2 GANTRY_ROUNDS=500 */
const seed = Number(process.env["GANTRY_SEED"] ?? 1);
const rounds = Number(process.env["GANTRY_ROUNDS"] ?? 25);
const longestDelayMs = 250;

const stack = await stackWithBusybox({ built: true });
const { client } = stack;
const random = randomFrom(seed);
let steadies = 0;

test(`kill -9 at ${rounds} random moments (seed ${seed}): what ran still runs, everything can be removed, nothing is left`, async (t) => {
  const steady = await startSteady();
  for (let round = 0; round < rounds; round++) {
    const id = `victim${round}`;
    await createContainer(stack, { id, args: ["sh", "-c", "sleep 0.1; exec sleep 1000"] });
    const life = live(id);
    await delay(random.below(longestDelayMs));
    const kind = random.pick(kinds) ?? "shim";
    const killed = kill(kind);
    if (killed === stack.supervisor.pid) await stack.restart();
    await life;
    if (!isAlive(steady.pid)) t.fail(`round ${round}: ${kind} was killed, and ${steady.id} ended`);
    await remove(id).catch((error) => t.fail(`round ${round}: ${kind} was killed: ${error.message}`));
  }
  const task = await client.call("tasks.get", ofTask(steady.id));
  t.match(task, { status: "running", pid: steady.pid });
  await remove(steady.id);

  await nothingLeft(stack);
  const runtimeState = `${stack.state}/runtime`;
  await waitFor(() => existsSync(runtimeState) && readdirSync(runtimeState).every((name) => name.startsWith(".")), {
    timeoutMs: 20_000,
    what: `an empty ${runtimeState}: ${readdirSync(runtimeState)}`,
  });
  await waitFor(() => cgroups().length === 0, { timeoutMs: 20_000, what: `no cgroup: ${cgroups()}` });
  await waitFor(() => readdirSync(`${stack.state}/shims`).length <= 1, {
    timeoutMs: 20_000,
    what: `no directory but the standby shim's: ${readdirSync(`${stack.state}/shims`)}`,
  });
  await waitFor(() => stack.helpers().length <= 3, {
    timeoutMs: 20_000,
    what: "no process but the standby shim, its worker and its keeper",
  });
  t.same(
    (await client.call("snapshots.list", { namespace })).snapshots.filter(({ key }) => /victim|steady/.test(key)),
    [],
  );
});

const kinds = ["supervisor", "shim", "runtime"] as const;

/** Ends one process of a kind, if there is one. @returns its id */
function kill(kind: (typeof kinds)[number]): number | undefined {
  const form = { supervisor: /\/supervisor$/, shim: /\/shim$/, runtime: /\/oci-runtime$/ }[kind];
  const pids = [stack.supervisor.pid ?? 0, ...stack.helpers()].filter((pid) => form.test(programOf(pid)));
  const victim = random.pick(pids);
  if (victim !== undefined) process.kill(victim, "SIGKILL");
  return victim;
}

/** A container's life as far as it comes. */
async function live(id: string): Promise<void> {
  const inner = { args: ["true"], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };
  const exec = { ...ofTask(id), execId: "e" };
  try {
    await client.call("tasks.create", { ...ofTask(id), stdio });
    await client.call("tasks.start", ofTask(id));
    await client.call("tasks.exec", { ...exec, process: inner, user: "", stdio });
    await client.call("tasks.start", exec);
    await client.call("tasks.wait", exec, { timeoutMs: 10_000 });
    await client.call("tasks.kill", { ...ofTask(id), signal: 9 });
    await client.call("tasks.wait", ofTask(id), { timeoutMs: 10_000 });
    await client.call("tasks.delete", ofTask(id));
  } catch (error) {
    if (!isRpcError(error)) throw error; // the other end, or what it needed, was killed
  }
}

/** Removes a container however far it came, as a person would: once, or twice when something is still settling. */
async function remove(id: string): Promise<void> {
  const absent = (error: unknown) => {
    if (!isRpcError(error, "NotFound")) throw error;
  };
  await waitFor(
    async () => {
      await client.call("tasks.kill", { ...ofTask(id), signal: 9, all: true }).catch(() => undefined);
      await client.call("tasks.delete", ofTask(id)).catch(absent);
      await client.call("containers.delete", { namespace, id }).catch(absent);
      await client.call("snapshots.remove", { namespace, key: id }).catch(absent);
      return true;
    },
    { timeoutMs: 20_000, what: `${id} is removed` },
  );
}

async function startSteady() {
  steadies += 1;
  const id = `steady${steadies}`;
  await createContainer(stack, { id, args: ["sleep", "1000"] });
  const pid = await startTask(stack, id);
  return { id, pid };
}

function cgroups(): string[] {
  const ours = (directory: string) =>
    readdirSync(directory).filter((name) => /^gantry-test-(victim|steady)/.test(name));
  return readdirSync("/sys/fs/cgroup", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => ours(join("/sys/fs/cgroup", name)));
}

function programOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")[0] ?? "";
  } catch {
    return "";
  }
}
