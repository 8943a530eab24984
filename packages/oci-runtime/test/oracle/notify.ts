import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { missing, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, Runtime, unlikeRunc } from "./runtime.ts";
import { addNotify, letGo, ServiceManager, waitForGo } from "./service-manager.ts";

/** Readiness, passed on to who has started the runtime (sd_notify(3)). */
export function notify(program: string): void {
  const skip = cannotRun(program) || missing("tool:musl-gcc") || unlikeRunc(program);

  test("run --detach waits until the container is ready, and names its process", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
    addNotify(runtime);
    runtime.configure(`${waitForGo}; notify STATUS=nearly READY=1; sleep 1000`, (config) => {
      config.process["env"] = ["PATH=/bin", `NOTIFY_SOCKET=${manager.address}`];
    });
    const id = runtime.newId();
    let returned = false;
    const running = runtime
      .sh(`export NOTIFY_SOCKET=${manager.address}; r run -d ${id} >out 2>&1 </dev/null`)
      .finally(() => {
        returned = true;
      });
    await waitFor(async () => (await runtime.status(id)) === "running", { timeoutMs: 20_000 });
    const { pid } = await runtime.state(id);
    await waitFor(() => readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("sh\0"));
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    t.same(
      environment.filter((entry) => entry.startsWith("NOTIFY_SOCKET=")),
      ["NOTIFY_SOCKET=/run/notify/notify.sock"],
      "not the host's, which the configuration names",
    );
    t.same([returned, manager.heard], [false, []]);
    letGo(runtime);
    t.same(await manager.ready(), ["READY=1\n", `MAINPID=${pid}\n`]);
    t.equal((await running).code, 0);
    t.notMatch((await runtime.cli("exec", id, "env")).stdout, "/run/notify", "for its first process alone");
    t.equal((await runtime.cli("delete", "--force", id)).code, 0);
    t.notOk(existsSync(join(runtime.root, id)));
    t.notMatch(readFileSync("/proc/self/mountinfo", "utf8"), runtime.directory);
  });

  test("create does not wait; start waits for readiness, or for the end of the process", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
    addNotify(runtime);
    const create = async (script: string) => {
      runtime.configure(script);
      const id = runtime.newId();
      const command = `export NOTIFY_SOCKET=${manager.address}; r create ${id} >out 2>&1 </dev/null || cat out`;
      t.equal((await runtime.sh(command)).stdout, "");
      return id;
    };
    const start = async (id: string) => {
      const begun = runtime.start(["start", id], { env: manager.environment });
      await waitFor(async () => (await runtime.status(id)) === "running", { timeoutMs: 20_000 });
      t.equal(begun.child.exitCode, null, "it waits");
      letGo(runtime);
      return begun;
    };
    const id = await create(`${waitForGo}; rm /tmp/go; notify READY=1; sleep 1000`);
    const { pid } = await runtime.state(id);
    await using begun = await start(id);
    t.same(await manager.ready(), ["READY=1\n", `MAINPID=${pid}\n`]);
    t.match(await begun.ended, { code: 0 });
    const other = await create(`${waitForGo}; exit 3`);
    await using ending = await start(other);
    t.match(await ending.ended, { code: 0 });
    t.equal(manager.heard.length, 2, "nothing was said for it");
    t.equal((await runtime.cli("delete", other)).code, 0);
  });

  test("run in the foreground is the service's process itself", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
    addNotify(runtime);
    runtime.configure(`notify READY=1; ${waitForGo}; exit 5`);
    await using running = runtime.start(["run", runtime.newId()], { env: manager.environment });
    t.same(await manager.ready(), ["READY=1\n", `MAINPID=${running.pid}\n`]);
    letGo(runtime);
    t.match(await running.ended, { code: 5 });
  });
}
