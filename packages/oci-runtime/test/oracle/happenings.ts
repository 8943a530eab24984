import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, Runtime, unlikeRunc } from "./runtime.ts";

/** Hooks and signals. */
export function happenings(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("hooks run at their points, with the state on standard input; a failing hook stops creation", {
    skip,
  }, async (t) => {
    await using runtime = new Runtime(program);
    const file = join(runtime.directory, "hooks");
    const hook = (name: string) => ({
      path: "/bin/sh",
      args: ["sh", "-c", `printf '%s ' ${name} >> ${file}; grep -o '"status": *"[a-z]*"' >> ${file}`],
    });
    const names = ["prestart", "createRuntime", "poststart", "poststop"];
    runtime.configure("true", (config) => {
      config["hooks"] = Object.fromEntries(names.map((name) => [name, [hook(name)]]));
    });
    t.equal((await runtime.cli("run", runtime.newId())).code, 0);
    const said = readFileSync(file, "utf8").replaceAll(/"status": *"(\w+)"/g, "$1");
    t.match(
      said,
      /^prestart creat(ing|ed)\ncreateRuntime creat(ing|ed)\npoststart (created|running|stopped)\npoststop stopped\n$/,
    );
    runtime.configure("echo never", (config) => {
      config["hooks"] = { createRuntime: [{ path: "/bin/false" }] };
    });
    const id = runtime.newId();
    const failed = await runtime.cli("run", id);
    t.not(failed.code, 0);
    t.match(failed, { stdout: "", stderr: /hook/ });
    t.match(await runtime.cli("state", id), { code: 1 });
  });

  test("a startContainer hook has the program's filter, rights and environment", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    const look =
      "grep -E '^(CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status; echo $MARK; mkdir /tmp/x 2>/dev/null || echo refused";
    const path = "/bin/sh";
    for (const noNewPrivileges of [true, false]) {
      runtime.configure(`cat /tmp/hooks; echo program; ${look}`, (config) => {
        const names = ["CAP_CHOWN", "CAP_KILL"];
        Object.assign(config.process, {
          noNewPrivileges,
          env: ["PATH=/bin", "MARK=the program's"],
          capabilities: { bounding: names, effective: names, permitted: names },
        });
        const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }];
        config.linux["seccomp"] = { defaultAction: "SCMP_ACT_ALLOW", syscalls };
        config["hooks"] = {
          startContainer: [
            { path, args: ["sh", "-c", `exec > /tmp/hooks; ${look}`] },
            { path, args: ["sh", "-c", "echo $MARK >> /tmp/hooks"], env: ["MARK=its own"] },
            { path, args: ["sh", "-c", "/bin/env >> /tmp/hooks"], env: [], timeout: 20 },
          ],
        };
      });
      const { stdout, stderr } = await runtime.cli("run", runtime.newId());
      const set = "0000000000000021";
      const seen = `CapPrm:\t${set}\nCapBnd:\t${set}\nNoNewPrivs:\t${noNewPrivileges ? 1 : 0}\nSeccomp:\t2\nthe program's\nrefused\n`;
      const [hooks, rest] = stdout.split("program\n");
      t.ok(hooks?.startsWith(`${seen}its own\n`), `${stdout}${stderr}`);
      t.notMatch(hooks?.slice(seen.length), /MARK/, "an environment of its own may be empty");
      t.equal(rest, seen);
    }
  });

  test("signals: by kill, by name and number, to all, and through a run in the foreground", {
    skip: skip || unlikeRunc(program),
  }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure(
      "trap 'echo usr1' USR1; trap 'echo hup' HUP; trap 'exit 6' TERM; echo ready; while :; do sleep 0.02; done",
    );
    const id = runtime.newId();
    const foreground = runtime.start(["run", id], { stdio: ["ignore", "pipe", "pipe"] });
    await waitFor(() => foreground.stdout().includes("ready"), { timeoutMs: 20_000 });
    for (const [name, word] of [
      ["USR1", "usr1"],
      ["SIGHUP", "hup"],
    ]) {
      t.equal((await runtime.cli("kill", id, name ?? "")).code, 0);
      await waitFor(() => foreground.stdout().includes(word ?? ""));
    }
    t.equal((await runtime.cli("kill", id, "0")).code, 0, "signal 0 only asks");
    t.match(await runtime.cli("kill", id, "NOSUCH"), { code: 1, stderr: /unknown signal/ });
    foreground.kill("SIGTERM");
    t.match(await foreground.ended, { code: 6 });
    runtime.configure("sleep 1000 & sleep 1001");
    const other = await runtime.runDetached();
    t.equal((await runtime.cli("kill", "--all", other, "9")).code, 0);
    await waitFor(async () => (await runtime.status(other)) === "stopped");
  });
}
