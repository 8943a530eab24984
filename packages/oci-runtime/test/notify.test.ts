import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { distBin, missing, waitFor } from "@gantry/testkit";
import { type Test, test } from "tap";
import { cannotRun, Runtime } from "./oracle/runtime.ts";
import { addNotify, letGo, ServiceManager, waitForGo } from "./oracle/service-manager.ts";

/** Behaviour that differs from runc's; oracle/notify.ts tests the common one. */
const program = process.env["RUNTIME"] ?? join(distBin, "oci-runtime");
const skip = cannotRun(program) ?? missing("tool:musl-gcc");

/** `run -d` under a service manager; its output is in the file "out". */
function detached(runtime: Runtime, manager: ServiceManager, id: string): Promise<{ readonly code: number }> {
  return runtime.sh(`export NOTIFY_SOCKET=${manager.address}; r run -d ${id} >out 2>&1 </dev/null`);
}

function said(runtime: Runtime): string {
  return readFileSync(join(runtime.bundle, "out"), "utf8");
}

function leavesNothing(t: Test, runtime: Runtime, id: string): void {
  t.notOk(existsSync(join(runtime.root, id)), `${id} is gone`);
  t.notMatch(readFileSync("/proc/self/mountinfo", "utf8"), runtime.directory);
}

test("run --detach returns when the manager, at an abstract name, has read all", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  const id = runtime.newId();
  using manager = new ServiceManager(`@${id}`);
  addNotify(runtime);
  runtime.configure(`notify BARRIER=1 MAINPID=1 "$(printf 'STATUS=up\nREADY=1')"; sleep 1000`);
  let returned = false;
  const running = detached(runtime, manager, id).finally(() => {
    returned = true;
  });
  await manager.holdBarrier();
  const { pid } = await runtime.state(id);
  t.equal(returned, false, "it waits for the barrier");
  manager.endBarrier();
  t.same(manager.heard, ["READY=1\n", `MAINPID=${pid}\n`], "of a message with more in it only that");
  t.equal((await running).code, 0);
  t.equal(said(runtime), "");
});

test("a process that ends without a message ends the wait", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
  addNotify(runtime);
  runtime.configure("notify STATUS=failing; exit 3");
  const [one, other] = [runtime.newId(), runtime.newId()];
  t.equal((await detached(runtime, manager, one)).code, 0);
  await using foreground = runtime.start(["run", other], { env: manager.environment });
  t.match(await foreground.ended, { code: 3 });
  leavesNothing(t, runtime, other);
  runtime.configure("notify READY=1");
  await using last = runtime.start(["run", other], { env: manager.environment });
  t.same(await manager.ready(), ["READY=1\n", `MAINPID=${last.pid}\n`], "its last word counts");
  t.match(await last.ended, { code: 0 });
});

test("in the foreground signals are forwarded before, and notifications received after it is ready", {
  skip,
}, async (t) => {
  await using runtime = new Runtime(program);
  using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
  addNotify(runtime);
  const many = `i=0; while test $i -lt 100; do notify WATCHDOG=1 || exit 9; i=$((i+1)); done`;
  runtime.configure(`trap 'notify READY=1; ${many}; notify BARRIER=1; exit 6' TERM; echo up; ${waitForGo}`);
  const id = runtime.newId();
  await using running = runtime.start(["run", id], { env: manager.environment });
  await waitFor(() => running.stdout().includes("up"), { timeoutMs: 20_000 });
  running.kill("SIGTERM");
  t.same(await manager.ready(), ["READY=1\n", `MAINPID=${running.pid}\n`]);
  t.match(await running.ended, { code: 6 });
  leavesNothing(t, runtime, id);
});

test("creation that fails leaves nothing; a notification that fails is a warning", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  const manager = new ServiceManager(join(runtime.directory, "manager.sock"));
  addNotify(runtime);
  const id = runtime.newId();
  runtime.configure("", (config) => {
    config.process.args = ["/nope"];
  });
  t.equal((await detached(runtime, manager, id)).code, 1);
  leavesNothing(t, runtime, id);
  manager[Symbol.dispose]();
  runtime.configure(`${waitForGo}; notify READY=1; sleep 1000`);
  letGo(runtime);
  t.equal((await detached(runtime, manager, id)).code, 0);
  t.match(said(runtime), /NOTIFY_SOCKET .*manager\.sock: .*ECONNREFUSED/);
  t.equal(await runtime.status(id), "running");
});

test("start does not wait for a container that was created without a socket", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
  runtime.configure("sleep 1000");
  const id = runtime.newId();
  t.equal((await runtime.sh(`r create ${id} >out 2>&1 </dev/null`)).code, 0);
  await using begun = runtime.start(["start", id], { env: manager.environment });
  t.match(await begun.ended, { code: 0 });
  t.equal(await runtime.status(id), "running");
  t.same(manager.heard, []);
});
