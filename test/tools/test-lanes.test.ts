import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "tap";
import { paths } from "../../tools/src/paths.ts";
import { laneOf, runInLanes } from "../../tools/src/test-lanes.ts";

const [guest1, guest2, alone, one, two, three] = [
  "test/vm/suite.test.ts",
  "test/vm/cgroup2.test.ts",
  "test/chaos/churn.test.ts",
  "packages/a/test/one.test.ts",
  "packages/a/test/two.test.ts",
  "test/e2e/three.test.ts",
].map((path) => join(paths.root, path)) as [string, string, string, string, string, string];
const all = [one, alone, guest1, two, guest2, three];
const underNode = (files: readonly string[]) => files.map((file) => ({ file, jsRuntime: "node" }) as const);

/** Runs the files and returns, for each, those that ran at the same time. */
async function neighbours(jobs: number, files = all): Promise<Map<string, Set<string>>> {
  const running = new Set<string>();
  const met = new Map<string, Set<string>>();
  await runInLanes(underNode(files), jobs, async ({ file }) => {
    met.set(file, new Set(running));
    for (const other of running) met.get(other)?.add(file);
    running.add(file);
    for (let turns = laneOf(file) === "guest" ? 9 : 2; turns > 0; turns--) await turn();
    running.delete(file);
    return true;
  });
  return met;
}

test("every file runs once, whatever the number of jobs", async (t) => {
  for (const jobs of [1, 2, 5]) {
    const started: string[] = [];
    await runInLanes(underNode(all), jobs, async ({ file }) => started.push(file) > 0);
    t.same([...started].sort(), [...all].sort(), `${jobs} jobs`);
  }
});

test("guests run one at a time and beside the others; a file that must run alone does", async (t) => {
  const met = await neighbours(2);
  t.notOk(met.get(guest1)?.has(guest2));
  t.same([...(met.get(guest1) ?? [])].sort(), [one, two, three].sort());
  t.equal(met.get(alone)?.size, 0);
});

test("one job runs one file at a time, small ones first", async (t) => {
  const met = await neighbours(1);
  for (const [file, others] of met) t.equal(others.size, 0, file);
  t.same([...met.keys()], [one, two, three, guest1, guest2, alone]);
});

test("after a file that ends the run no other is started", async (t) => {
  const started: string[] = [];
  await runInLanes(underNode([one, two, three, alone]), 1, async ({ file }) => {
    started.push(file);
    return file !== two;
  });
  t.same(started, [one, two]);
});
