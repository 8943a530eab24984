import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { childrenOf, descendantsOf, missing, requires, run, start, tempDir, waitFor } from "../src/index.ts";

test("a temporary directory goes with its scope, contents included", async (t) => {
  let path: string;
  {
    await using directory = tempDir();
    path = directory.path;
    writeFileSync(join(path, "file"), "");
    t.ok(existsSync(path));
  }
  t.notOk(existsSync(path));
});

test("run gives status and both outputs, takes input, and refuses to wait for ever", async (t) => {
  const result = await run("sh", ["-c", "cat; echo $WORD >&2; exit 3"], { stdin: "in", env: { WORD: "err" } });
  t.same(result, { code: 3, stdout: "in", stderr: "err\n" });
  t.equal((await run("sh", ["-c", "kill -9 $$"])).code, 137);
  await t.rejects(run("sleep", ["60"], { timeoutMs: 50 }), /sleep 60 ran over 50 ms/);
  await t.rejects(run("no-such-program"), /ENOENT/);
});

test("a started program ends with its scope, and so do its descendants", async (t) => {
  let pids: number[];
  {
    await using shell = start("sh", ["-c", "sh -c 'sleep 60; :' & wait"]);
    pids = await waitFor(() => descendantsOf(shell.pid).length === 2 && [shell.pid, ...descendantsOf(shell.pid)]);
    t.equal(childrenOf(shell.pid).length, 1);
  }
  await waitFor(() => pids.every((pid) => !existsSync(`/proc/${pid}/exe`)));
  t.pass();
});

test("waitFor returns the condition's result, and names the condition on a timeout", async (t) => {
  let count = 0;
  t.equal(await waitFor(() => ++count > 3 && count), 4);
  await t.rejects(
    waitFor(() => Promise.reject(new Error("not there")), { timeoutMs: 20, what: "the thing" }),
    { message: "not so after 20 ms: the thing", cause: { message: "not there" } },
  );
});

test("missing requirements of the machine are named", (t) => {
  t.equal(missing("tool:sh", "file:/proc/self"), false);
  t.equal(missing("tool:no-such-tool", "kernel:99.1", "tool:sh"), "needs the command no-such-tool, Linux 99.1");
  const plans: [number, string | undefined][] = [];
  const skippable = { plan: (count: number, reason?: string) => void plans.push([count, reason]) };
  t.equal(requires(skippable, "tool:sh"), true);
  t.equal(requires(skippable, "file:/none"), false);
  t.same(plans, [[0, "needs /none"]]);
  t.throws(() => missing("nonsense" as "root"), /unknown requirement nonsense/);
  t.end();
});
