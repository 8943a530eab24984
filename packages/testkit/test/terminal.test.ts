import { test } from "tap";
import { startTerminal } from "../src/index.ts";

test("a program on a terminal: typed at, read, resized, ended", async (t) => {
  await using shell = startTerminal("bash", ["--norc", "--noprofile"], { columns: 100, rows: 30, env: { PS1: "$ " } });
  await shell.expect(/\$ /);
  shell.send("tty && stty size && echo c$((1+1))\r");
  await shell.expect(/\/dev\/pts\/\d+\r\n30 100\r\nc2\r\n/);
  shell.send("(trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.02; done)\r");
  await shell.expect(/\rready\r\n/);
  shell.resize(120, 40);
  await shell.expect(/40 120\r\n/);
  t.same(shell.size(), { columns: 120, rows: 40 });
  // Only a program that runs is interrupted: the shell itself would ignore the key before.
  shell.send("(echo a''sleep; exec sleep 60)\r");
  await shell.expect(/\rasleep\r\n/);
  shell.send("\x03");
  await shell.expect(/\^C[\s\S]*\$ /);
  shell.send("exit 7\r");
  t.equal((await shell.ended).code, 7);
  t.match(shell.output(), "exit 7");
});

test("missing output is an error with the actual output", async (t) => {
  await using program = startTerminal("sh", ["-c", "echo something else; sleep 60"]);
  await t.rejects(program.expect(/expected/, 300), /did not show .expected. within 300 ms.*something else/s);
});
