import { childrenOf, run, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { runAsInit, runPlain, startPlain, statusField, tini } from "./support.ts";

/** Leaves orphans behind, waits until all have ended, and counts the zombies that remain. */
const orphans = `i=0; while [ $i -lt 20 ]; do (sh -c 'exit 0' & ) ; i=$((i+1)); done
while ps -A -o ppid=,pid=,stat= | awk -v me=$$ '$1 == 1 && $2 != me' | grep -v Z | grep -q .; do :; done
i=0; while [ $i -lt 100 ]; do ps -A -o stat= | grep -q Z || { echo clean; exit 0; }; i=$((i+1)); done; echo zombies`;

test("as process 1 it reaps every orphan while the program runs", async (t) => {
  t.match(await runAsInit(["--", "sh", "-c", orphans]), { code: 0, stdout: "clean\n", stderr: "" });
});

test("-s and TINI_SUBREAPER make it the parent of orphans, which it reaps", async (t) => {
  for (const [args, env] of [
    [["-s"], {}],
    [[], { TINI_SUBREAPER: "" }],
  ] as const) {
    const script = "(sh -c 'echo $$; read x' <&0 &) ; read y";
    await using process = startPlain([...args, "--", "bash", "-c", script], env);
    const orphan = Number(await waitFor(() => process.stdout().trim()));
    await waitFor(() => statusField(orphan, "PPid") === String(process.pid), { what: "orphan adopted" });
    process.child.stdin?.write("a\n");
    await waitFor(() => statusField(orphan, "State") === "" || childrenOf(process.pid).length === 1, {
      what: "one ended",
    });
    process.child.stdin?.end("b\n");
    t.equal((await process.ended).code, 0);
    t.equal(process.stderr(), "", "no warning");
  }
});

test("-w warns about each orphan that is reaped, and not about the program", async (t) => {
  const result = await run("unshare", ["-p", "-f", "--mount-proc", tini, "-w", "--", "sh", "-c", orphans]);
  t.equal(result.stderr.match(/Reaped zombie process with pid=\d+/g)?.length, 20);
});

test("it warns where it can reap nothing, unless it is set to be quiet", async (t) => {
  t.match((await runPlain(["true"])).stderr, /Tini is not running as PID 1/);
  t.equal((await runPlain(["-s", "true"])).stderr, "");
  t.equal((await runPlain(["true"], { TINI_VERBOSITY: "0" })).stderr, "");
});

test("-v and TINI_VERBOSITY say more, step by step", async (t) => {
  const said = async (args: string[], env = {}) => {
    const { stdout } = await runPlain(["-s", ...args, "true"], env);
    return [...new Set([...stdout.matchAll(/\[(INFO|DEBUG|TRACE)/g)].map((match) => match[1]))].sort().join();
  };
  t.equal(await said([]), "");
  t.equal(await said(["-v"]), "INFO");
  t.equal(await said(["-vv"]), "DEBUG,INFO");
  t.equal(await said(["-v", "-v", "-v"]), "DEBUG,INFO,TRACE");
  t.equal(await said([], { TINI_VERBOSITY: "4" }), "DEBUG,INFO,TRACE");
});
