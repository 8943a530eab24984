import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";

const stack = await fileStack();

test("-it gives a terminal of the right size, which follows resizes", async (t) => {
  await using terminal = await stack.terminal(["run", "-it", "--rm", "busybox", "sh"], { columns: 90, rows: 33 });
  await terminal.expect(/# /);
  terminal.send("tty; stty size\n");
  await terminal.expect(/\/dev\/(pts\/\d+|console)\s+33 90/);
  terminal.resize(101, 41);
  terminal.send("while [ \"$(stty size)\" != '41 101' ]; do :; done; echo resi''zed\n");
  await terminal.expect(/resized/);
  terminal.send("exit 6\n");
  t.equal((await terminal.ended).code, 6);
});

test("the detach keys leave the container running, attach comes back", async (t) => {
  await using terminal = await stack.terminal(["run", "-it", "--name", "tea", "busybox", "sh"]);
  await terminal.expect(/# /);
  terminal.send("\x10\x11");
  t.equal((await terminal.ended).code, 0);
  t.equal((await stack.client(["inspect", "-f", "{{.State.Running}}", "tea"])).stdout.trim(), "true");
  await using again = await stack.terminal(["attach", "tea"]);
  again.send("\n");
  await again.expect(/# /);
  again.send("exit 3\n");
  t.equal((await again.ended).code, 3);
  await stack.client(["rm", "tea"]);
});

test("Ctrl-C goes to the program as its terminal sends it", async (t) => {
  await using terminal = await stack.terminal([
    "run",
    "-it",
    "--rm",
    "busybox",
    "sh",
    "-c",
    "trap 'echo inter''rupted; exit 7' INT; echo rea''dy; while :; do sleep 0.05; done",
  ]);
  await terminal.expect(/ready/);
  terminal.send("\x03");
  await terminal.expect(/interrupted/);
  t.equal((await terminal.ended).code, 7);
});

test("exec -it has a terminal too", async (t) => {
  await stack.client(["run", "-d", "--name", "box", "busybox", "sleep", "1000"]);
  await using terminal = await stack.terminal(["exec", "-it", "box", "sh"]);
  await terminal.expect(/# /);
  terminal.send("test -t 0 && echo term''inal\n");
  await terminal.expect(/terminal/);
  terminal.send("exit 2\n");
  t.equal((await terminal.ended).code, 2);
  await stack.client(["rm", "-f", "box"]);
});

test("-t with a pipe on -i is refused, as Docker does", async (t) => {
  const result = await stack.client(["run", "-it", "--rm", "busybox", "true"], { stdin: "" });
  t.not(result.code, 0);
  t.match(result.stderr, /the input device is not a TTY/);
});
