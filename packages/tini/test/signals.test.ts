import { constants } from "node:os";
import { childrenOf, run, start, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { runAsInit, startPlain, statusField, tini } from "./support.ts";

/** A shell that names each signal it gets and ends on QUIT. */
const naming = (names: readonly string[]) =>
  `${names.map((name) => `trap 'echo ${name}' ${name}`).join("; ")}; trap 'exit 9' QUIT; echo ready; while :; do sleep 0.02; done`;

const forwarded = [
  "HUP",
  "INT",
  "USR1",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "CONT",
  "URG",
  "XCPU",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
];

test("each signal that tini gets reaches the program", async (t) => {
  await using process = startPlain(["-s", "--", "bash", "-c", naming(forwarded)]);
  await waitFor(() => process.stdout().includes("ready\n"), { what: "traps set" });
  for (const name of forwarded) {
    process.kill(`SIG${name}` as NodeJS.Signals);
    await waitFor(() => process.stdout().includes(`${name}\n`), { what: name });
  }
  process.kill("SIGQUIT");
  t.equal((await process.ended).code, 9);
});

test("real-time signals reach the program, those that a C library keeps for itself included", async (t) => {
  for (const number of [32, 33, 34, 35, 64]) {
    await using process = startPlain(["-s", "--", "sleep", "60"]);
    const child = await waitFor(() => childrenOf(process.pid)[0]);
    await run("kill", [`-${number}`, String(process.pid)]);
    t.equal((await process.ended).code, 128 + number, String(number));
    t.notOk(statusField(child, "State"), "the program is gone");
  }
});

test("-g and TINI_KILL_PROCESS_GROUP send the signal to the whole group", async (t) => {
  const script =
    "trap 'wait; exit 5' TERM; (trap 'echo grandchild; exit' TERM; echo ready; while :; do sleep 0.01; done) & wait";
  for (const [args, env] of [
    [["-g"], {}],
    [[], { TINI_KILL_PROCESS_GROUP: "" }],
  ] as const) {
    await using process = startPlain(["-s", ...args, "--", "bash", "-c", script], env);
    await waitFor(() => process.stdout().includes("ready\n"));
    process.kill("SIGTERM");
    t.equal((await process.ended).code, 5);
    t.match(process.stdout(), "grandchild");
  }
});

test("without -g only the program itself gets the signal", async (t) => {
  const script =
    "(trap 'echo grandchild' TERM; while :; do sleep 0.01; done) & G=$!; trap 'kill -KILL $G; exit 6' TERM; echo ready; wait";
  await using process = startPlain(["-s", "--", "bash", "-c", script]);
  await waitFor(() => process.stdout().includes("ready\n"));
  process.kill("SIGTERM");
  t.equal((await process.ended).code, 6);
  t.notMatch(process.stdout(), "grandchild");
});

test("the program finds the signal mask and the ignored signals as tini found them", async (t) => {
  const shown = async (prefix: string[]) => {
    const { stdout } = await run(prefix[0] as string, [
      ...prefix.slice(1),
      "grep",
      "-E",
      "Sig(Blk|Ign)",
      "/proc/self/status",
    ]);
    return stdout;
  };
  const evil = ["env", "--block-signal=USR1", "--block-signal=RTMAX", "--ignore-signal=TTIN,TTOU,HUP,PIPE,CHLD"];
  const own = await shown(evil);
  t.match(own, /SigIgn:\s*0000000000311001/);
  t.equal(await shown([...evil, tini, "-s", "--"]), own, "as a subreaper");
  t.equal(await shown(["unshare", "-p", "-f", "--mount-proc", ...evil, tini, "--"]), own, "as process 1");
  const clean = ["env", "--default-signal"];
  t.equal(await shown([...clean, tini, "-s", "--"]), await shown(clean));
});

test("a parent that ignored SIGCHLD still gets the exit status", async (t) => {
  t.equal((await run("env", ["--ignore-signal=CHLD", tini, "-s", "--", "sh", "-c", "exit 8"])).code, 8);
});

test("-p SIGNAL: tini gets the signal when its parent ends, and passes it on", async (t) => {
  const program = "trap 'echo parent gone; exit' USR1; echo ready $$; while :; do sleep 0.01; done";
  await using parent = start("sh", ["-c", `${tini} -s -p SIGUSR1 -- bash -c "$0" & read line`, program]);
  await waitFor(() => parent.stdout().includes("ready"));
  parent.kill("SIGKILL");
  await waitFor(() => parent.stdout().includes("parent gone"));
  const program1 = Number(parent.stdout().match(/ready (\d+)/)?.[1]);
  await waitFor(() => statusField(program1, "State") === "", { what: "program ended" });
  t.pass();
});

test("every signal name is taken by -p", async (t) => {
  const names = Object.entries(constants.signals).filter(
    ([name, n]) => n < 32 && !/IOT|POLL|IO$|PWR|STKFLT|INFO/.test(name),
  );
  t.equal(names.length, 28);
  for (const [name] of names) t.equal((await run(tini, ["-s", "-p", name, "true"])).code, 0, name);
});

test("as process 1, a stop by SIGTERM ends the program and the namespace with 143", async (t) => {
  const { code } = await runAsInit(["--", "sh", "-c", "kill -TERM 1; sleep 60"]);
  t.equal(code, 143);
});
