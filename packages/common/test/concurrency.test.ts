import { setImmediate as turn } from "node:timers/promises";
import { test } from "tap";
import { allSettledOrThrow } from "../src/all-settled.ts";
import { BackgroundTasks } from "../src/background-tasks.ts";
import { KeyedLock } from "../src/keyed-lock.ts";
import { Mutex } from "../src/mutex.ts";
import { Semaphore } from "../src/semaphore.ts";

test("a mutex runs operations one at a time and in order, also after a failure", async (t) => {
  const mutex = new Mutex();
  const steps: string[] = [];
  const operation = (name: string) => async () => {
    steps.push(`${name} begins`);
    await turn();
    steps.push(`${name} ends`);
    if (name === "b") throw new Error("b failed");
  };
  const results = await Promise.allSettled(["a", "b", "c"].map((name) => mutex.run(operation(name))));
  t.strictSame(steps, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  t.strictSame(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  t.equal(mutex.busy, false);
});

test("a keyed lock holds one key and leaves the others free", async (t) => {
  const lock = new KeyedLock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = lock.run("a", () => promise);
  t.equal(lock.busy("a"), true);
  t.equal(await lock.run("b", async () => "free"), "free");
  const second = lock.run("a", async () => "second");
  resolve();
  await held;
  t.equal(await second, "second");
  t.equal(lock.busy("a"), false, "an idle key takes no memory");
});

test("a semaphore grants permits in order, and a permit that is given up early frees nothing", async (t) => {
  const semaphore = new Semaphore(1);
  const [first, second, third] = [semaphore.request(), semaphore.request(), semaphore.request()];
  let granted = "";
  void second.acquired.then(() => (granted += "second"));
  void third.acquired.then(() => (granted += "third"));
  await first.acquired;
  t.equal(semaphore.isFull, true);
  second.release();
  await turn();
  t.equal(granted, "", "the first permit is still held");
  first.release();
  first.release();
  await turn();
  t.equal(granted, "third");
  third.release();
  t.equal(semaphore.isFull, false);
  t.equal(await semaphore.run(async () => "ran"), "ran");
  t.throws(() => new Semaphore(0), /at least 1/);
});

test("failures of background tasks go to the handler with their description, thrown early or late", async (t) => {
  const failures: string[] = [];
  const tasks = new BackgroundTasks((error, description) =>
    failures.push(`${description}: ${(error as Error).message}`),
  );
  tasks.add("early", () => {
    throw new Error("at once");
  });
  tasks.add("late", async () => {
    await turn();
    throw new Error("after a turn");
  });
  await tasks.idle();
  t.strictSame(failures, ["early: at once", "late: after a turn"]);
});

test("sequential background tasks do not overlap", async (t) => {
  const steps: number[] = [];
  const tasks = new BackgroundTasks(() => t.fail("no task fails"), { sequential: true });
  for (const number of [1, 2]) {
    tasks.add("counting", async () => {
      steps.push(number);
      await turn();
      steps.push(number);
    });
  }
  await tasks.idle();
  t.strictSame(steps, [1, 1, 2, 2]);
});

test("a failure is thrown once all the work beside it is over", async (t) => {
  let isOver = false;
  const slow = async () => {
    await turn();
    isOver = true;
    return 1;
  };
  await t.rejects(
    allSettledOrThrow([Promise.reject(new Error("first")), slow(), Promise.reject(new Error("second"))]),
    {
      message: "first",
    },
  );
  t.ok(isOver);
  t.same(await allSettledOrThrow([slow(), Promise.resolve(2)]), [1, 2]);
});
