import { processesOf, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { openFiles, privateMemory } from "../hostile/raw-peer.ts";
import { type Stack, startStack } from "../support/stack.ts";

/** More by hand: GANTRY_CHURN=300 */
const rounds = Number(process.env["GANTRY_CHURN"] ?? 30);
const warmUp = 10;
/** Engine, supervisor, and two standby shims with their workers. */
const atRest = 6;

test(`${rounds} containers with a published port, one after the other, leave nothing in any daemon`, async (t) => {
  await using stack = await startStack();
  const engine = stack.engine().pid;
  const supervisor = processesOf(stack.scope).find(({ commandLine }) => /\/supervisor\s/.test(commandLine))?.pid ?? -1;
  const churn = async (count: number) => {
    for (let round = 0; round < count; round++) {
      const { code, stdout, stderr } = await stack.client(["run", "--rm", "-p", "8080:80", "busybox", "echo", "x"]);
      if (code !== 0 || stdout !== "x\n") t.fail(`round ${round}: ${code} ${stderr}`);
    }
  };
  await churn(warmUp);
  const before = await settledCounts(stack, [engine, supervisor]);
  const memory = [engine, supervisor].map(privateMemory);
  await churn(rounds);
  const after = await settledCounts(stack, [engine, supervisor]);
  t.same(after, before, "descriptors, processes, rules, interfaces, files, mounts");
  const grown = [engine, supervisor].map((pid, at) => privateMemory(pid) - (memory[at] ?? 0));
  t.comment(`memory: ${memory} KiB, grown by ${grown} KiB`);
  for (const kib of grown) t.ok(kib < 12_000 + rounds * 20, `memory grew by ${kib} KiB`);
});

/** The numbers once the standby shims are there again and nothing changes any more. */
async function settledCounts(stack: Stack, daemons: readonly number[]): Promise<Record<string, number>> {
  let counts: Record<string, number> = {};
  await waitFor(
    async () => {
      const last = JSON.stringify(counts);
      counts = await countsAtRest(stack, daemons);
      return counts["processes"] === atRest && JSON.stringify(counts) === last;
    },
    { timeoutMs: 8000, intervalMs: 400 },
  ).catch(() => {});
  return counts;
}

/** Counts of the resources that the kernel holds for the stack. */
async function countsAtRest(stack: Stack, daemons: readonly number[]): Promise<Record<string, number>> {
  const { stdout } = await stack.sh(
    `iptables-save | grep -c ^-A; ip -o link | wc -l; ls ${stack.state}/netns 2>/dev/null | wc -l;
     ls ${stack.state}/supervisor/shims | wc -l; ls ${stack.state}/supervisor/tasks/* 2>/dev/null | wc -l;
     ls ${stack.root}/supervisor/snapshots | wc -l; grep -c ${stack.state} /proc/self/mountinfo; ip netns | wc -l`,
  );
  const [rules, links, netns, shims, tasks, snapshots, mounts] = stdout.split("\n").map(Number);
  const [engine, supervisor] = daemons.map((pid) => openFiles(pid).length);

  const processes = processesOf(stack.scope).length;
  return { rules, links, netns, shims, tasks, snapshots, mounts, engine, supervisor, processes } as Record<
    string,
    number
  >;
}
