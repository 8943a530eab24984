import { test } from "tap";
import { Tasks, type TasksOptions } from "../src/tasks/tasks.ts";

test("an operation whose caller has gone before its turn is not started", async (t) => {
  const pool = { busy: () => ({ [Symbol.dispose]: () => undefined }) };
  const tasks = new Tasks({ pool } as unknown as TasksOptions);
  const container = { namespace: "n", containerId: "c" };
  const first = Promise.withResolvers<void>();
  const running = tasks.exclusive(container, new AbortController().signal, () => first.promise);
  const caller = new AbortController();
  let isStarted = false;
  const queued = tasks.exclusive(container, caller.signal, async () => {
    isStarted = true;
  });
  caller.abort();
  first.resolve();
  await running;
  await t.rejects(queued, { code: "Cancelled" });
  t.notOk(isStarted);
  t.equal(await tasks.exclusive(container, new AbortController().signal, async () => 5), 5);
});
