import { readFileSync } from "node:fs";
import { childrenOf, startTerminal, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { tini } from "./support.ts";

/** Fields of /proc/PID/stat after the name: process group, session, and the terminal's foreground group. */
function groups(pid: number): { group: number; session: number; foreground: number } {
  const [, , group = 0, session = 0, , foreground = 0] = (
    readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1) ?? ""
  )
    .split(" ")
    .map(Number);
  return { group, session, foreground };
}

test("on a terminal the program gets a group of its own, in the foreground", async (t) => {
  await using terminal = startTerminal(tini, ["-s", "--", "sh", "-c", "echo ready; read line; echo got $line; exit 3"]);
  await terminal.expect(/ready/);
  const child = (await waitFor(() => childrenOf(terminal.pid)[0])) as number;
  t.same(groups(child), { group: child, session: terminal.pid, foreground: child });
  t.equal(groups(terminal.pid).group, terminal.pid, "tini stays in its own");
  terminal.send("typed\r");
  await terminal.expect(/got typed/);
  t.equal((await terminal.ended).code, 3);
});

test("control-C reaches the program alone; tini reports its end", async (t) => {
  await using terminal = startTerminal(tini, ["-s", "-v", "--", "sleep", "60"]);
  const child = (await waitFor(() => childrenOf(terminal.pid)[0])) as number;
  await waitFor(() => groups(child).foreground === child);
  terminal.send("\x03");
  t.equal((await terminal.ended).code, 130);
  t.match(terminal.output(), /Main child exited with signal \(with signal 'Interrupt'\)/);
});

test("a terminal that stops background writers does not stop tini", async (t) => {
  await using terminal = startTerminal("sh", ["-c", `stty tostop; exec ${tini} -s -vvv -- sh -c 'echo ready; read x'`]);
  await terminal.expect(/ready/);
  process.kill(terminal.pid, "SIGCONT"); // tini, not in the foreground, writes a line about it
  await terminal.expect(/Passing signal 18/);
  terminal.send("\r");
  t.equal((await terminal.ended).code, 0);
});

test("a tini below a tini keeps the terminal with the program", async (t) => {
  const args = ["-s", "--", tini, "-s", "--", "sh", "-c", "echo ready; read line; echo got $line"];
  await using terminal = startTerminal(tini, args);
  await terminal.expect(/ready/);
  terminal.send("through\r");
  await terminal.expect(/got through/);
  t.equal((await terminal.ended).code, 0);
});
