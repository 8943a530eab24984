import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { cannotRun, isRunc, Runtime, unlikeRunc } from "./runtime.ts";

/** --debug and --log. */
export function log(program: string): void {
  const skip = cannotRun(program) ?? unlikeRunc(program);

  test("--debug logs the steps, to --log or to standard error, as text or JSON", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("echo hello");
    const file = join(runtime.directory, "log");
    const logged = async (...flags: string[]) => {
      rmSync(file, { force: true });
      const { stdout, stderr, code } = await runtime.cli(...flags, "run", runtime.newId());
      t.match({ stdout, code }, { stdout: "hello\n", code: 0 }, stderr);
      return { stderr, text: existsSync(file) ? readFileSync(file, "utf8") : undefined };
    };
    t.match((await logged("--debug")).stderr, /level=debug/);
    t.match(await logged("--debug", "--log", file), { stderr: /^$/, text: /^time="\S+" level=debug msg=.+$/m });
    const { text = "" } = await logged("--debug", "--log", file, "--log-format", "json");
    const lines = text.trim().split("\n");
    t.ok(lines.length > 3);
    for (const line of lines) t.match(JSON.parse(line), { level: "debug", msg: /./, time: /^\d{4}-\d\d-\d\dT/ });
    t.match(await logged("--log", file), { stderr: /^$/, text: /^$/ }, "the file is there without a line in it");
    const nowhere = join(runtime.directory, "absent/log");
    t.match(await runtime.cli("--log", nowhere, "list"), { code: 1, stderr: /absent/ });
  });

  test("the steps are operations with their times, limits, hooks and the exchange with init", {
    skip: skip || (isRunc(program) && "runc's steps are its own"),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("sleep 1000", (config) => {
      config.linux.resources = { pids: { limit: 77 } };
      config["hooks"] = { createRuntime: [{ path: "/bin/true" }] };
      config.linux["seccomp"] = { defaultAction: "SCMP_ACT_ALLOW" };
      config.process["noNewPrivileges"] = false;
    });
    const steps = async (...args: string[]) => {
      const file = join(runtime.directory, "log");
      rmSync(file, { force: true });
      const { stdout } = await runtime.sh(`r --debug --log ${file} ${args.join(" ")} >out 2>&1 </dev/null || cat out`);
      t.equal(stdout, "");
      return readFileSync(file, "utf8");
    };
    const id = runtime.newId();
    const created = await steps("create", id);
    for (const step of [
      /create: begins with/,
      /cgroup: making .+/,
      /cgroup: wrote \\"77\\" to \S+pids.max \(linux.resources.pids.limit\)/,
      /init: process \d+ gets a plan of \d+ operations/,
      /init: \d+\/\d+ mounting \\"proc\\" on \/proc.* \[mounts\[0\]\]: \d+ µs/,
      /init: \d+\/\d+ pivoting to the root file system \[root.path\]: \d+ µs/,
      /hook createRuntime\[0\]: running \/bin\/true/,
      /hook createRuntime\[0\]: ended after [\d.]+ ms/,
      /init: process \d+ is ready and waits for start/,
      /create: exit status 0 after [\d.]+ ms/,
    ])
      t.match(created, step);
    t.match(await steps("start", id), /start: process \d+ is released/);
    t.match(await steps("exec", id, "true"), /init: \d+\/\d+ joining .*: \d+ µs/);
    t.match(await steps("pause", id), /cgroup: froze the processes/);
    t.match(await steps("resume", id), /cgroup: thawed the processes/);
    t.match(await steps("kill", id, "KILL"), /kill: sent signal 9 to process \d+/);
    t.match(await steps("delete", "--force", id), /cgroup: removed .+/);
  });
}
