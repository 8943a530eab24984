import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { type Test, test } from "tap";
import { cannotRun, Runtime, unlikeRunc } from "./runtime.ts";

/** A container's life by create, start, state, kill, delete, and what is refused on the way. */
export function lifecycle(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("created, running, stopped, gone", { skip: skip || unlikeRunc(program) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("echo started; exec sleep 1000");
    const id = runtime.newId();
    const pidFile = join(runtime.directory, "pid");
    const made = await runtime.sh(`r create --pid-file ${pidFile} ${id} >${runtime.directory}/out 2>&1 </dev/null`);
    t.equal(made.code, 0, runtime.output());
    const created = await runtime.state(id);
    t.match(created, { id, status: "created", bundle: runtime.bundle, ociVersion: /^1\./ });
    t.equal(readFileSync(pidFile, "utf8"), String(created.pid));
    t.equal(runtime.output(), "", "its program does not run yet");
    await throughItsLife(t, runtime, id);
    const other = runtime.newId();
    await runtime.sh(`r create ${other} >/dev/null 2>&1 </dev/null`);
    t.equal((await runtime.cli("delete", other)).code, 0, "one that was never started can be deleted");
    t.notOk(await has(runtime, other));
  });

  test("run returns the exit status, 128 and more after a signal; nothing is left", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("echo out; echo err >&2; exit 42");
    const id = runtime.newId();
    t.match(await runtime.cli("run", id), { code: 42, stdout: "out\n", stderr: "err\n" });
    t.notOk(await has(runtime, id));
    runtime.configure("", (config) => {
      config.process.args = ["sh", "-c", "sh -c 'kill -9 $$'; exit $?"];
    });
    t.equal((await runtime.cli("run", id)).code, 137);
    runtime.configure("exit 3");
    t.equal((await runtime.cli("run", "--keep", id)).code, 3);
    t.match(await runtime.state(id), { status: "stopped", pid: 0 });
    t.equal((await runtime.cli("delete", id)).code, 0);
  });

  test("a name that is taken, and names that are not there", { skip: skip || unlikeRunc(program) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000");
    const id = await runtime.runDetached();
    for (const command of ["create", "run"])
      t.match(await runtime.cli(command, id), { code: 1, stderr: /exist/ }, `${command} of ${id}`);
    t.equal(await runtime.status(id), "running", "the first is as it was");
    const commands = ["state", "start", "kill", "delete", "pause", "resume", "ps", "update"];
    for (const command of commands)
      t.match(await runtime.cli(command, "nobody"), { code: 1, stderr: /does not exist/ }, command);
    t.equal((await runtime.cli("delete", "--force", "nobody")).code, 0);
    t.match(await runtime.cli("exec", "nobody", "true"), { stderr: /does not exist/ });
    t.equal((await runtime.cli("delete", "--force", id)).code, 0, "a running one with force");
    t.notOk(await has(runtime, id));
  });
}

/** Listings of containers, and errors of those that cannot be created. */
export function listing(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("list, ps and pid files are right", { skip: skip || unlikeRunc(program) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000 & sleep 1001; true");
    const id = await runtime.runDetached();
    const { pid } = await runtime.state(id);
    const [entry] = JSON.parse((await runtime.cli("list", "-f", "json")).stdout);
    t.match(entry, { id, pid, status: "running", bundle: runtime.bundle, owner: "root", created: /^\d{4}-.*Z$/ });
    t.equal((await runtime.cli("list", "-q")).stdout, `${id}\n`);
    t.match(
      (await runtime.cli("list")).stdout,
      new RegExp(`^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n${id} +${pid} +running`),
    );
    const pids = await waitFor(async () => {
      const list: number[] = JSON.parse((await runtime.cli("ps", "-f", "json", id)).stdout);
      return list.length === 3 && list;
    });
    t.ok(pids.includes(pid));
    const table = (await runtime.cli("ps", id, "-o", "pid,args")).stdout;
    t.match(table, /sleep 1000[\s\S]*sleep 1001/);
    t.equal(table.trim().split("\n").length, 4, "its processes and no other");
  });

  test("a failed start gives its reason, in the log file too, and leaves nothing", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    const log = join(runtime.directory, "log.json");
    const id = runtime.newId();
    runtime.configure("", (config) => {
      config.process.args = ["nowhere"];
    });
    const failed = await runtime.cli("--log", log, "--log-format", "json", "run", id);
    t.equal(failed.code, 1);
    t.match(failed.stderr, /exec.*nowhere.*executable file.*not found/);
    const lines = readFileSync(log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    t.match(lines.at(-1), { level: "error", msg: /nowhere/, time: /^\d{4}-\d\d-\d\dT/ });
    t.notOk(await has(runtime, id));
    runtime.configure("", (config) => {
      config.process.args = ["/etc/passwd"];
    });
    t.match(await runtime.cli("run", id), { code: 1, stderr: /ermission denied/ });
    runtime.configure("true", (config) => {
      config["root"] = { path: "absent" };
    });
    t.match(await runtime.cli("run", id), { code: 1, stderr: /absent/ });
    t.match(await runtime.cli("run", "--bundle", "/nowhere", id), { code: 1, stderr: /nowhere/ });
    t.match(await runtime.cli("run", "a/b"), { code: 1, stderr: /a\/b|invalid/ });
    t.notOk(existsSync(join(runtime.root, id)));
  });
}

async function throughItsLife(t: Test, runtime: Runtime, id: string): Promise<void> {
  t.equal((await runtime.cli("start", id)).code, 0);
  await waitFor(() => runtime.output() === "started\n");
  t.equal(await runtime.status(id), "running");
  t.match(await runtime.cli("start", id), { code: 1, stderr: /cannot start|not in created state|already running/ });
  t.match(await runtime.cli("delete", id), { code: 1, stderr: /not stopped|is not|running/ });
  t.equal((await runtime.cli("kill", id, "KILL")).code, 0);
  await waitFor(async () => (await runtime.status(id)) === "stopped");
  t.equal((await runtime.state(id)).pid, 0);
  for (const command of ["kill", "pause"])
    t.match(await runtime.cli(command, id), { code: 1, stderr: /not running/ }, `${command} of a stopped one`);
  t.not((await runtime.cli("exec", id, "true")).code, 0);
  t.equal((await runtime.cli("delete", id)).code, 0);
  t.notOk(await has(runtime, id));
}

async function has(runtime: Runtime, id: string): Promise<boolean> {
  return (await runtime.cli("state", id)).code === 0;
}
