import { readFileSync } from "node:fs";
import { busyboxArchive, requires, startSupervisor, waitFor } from "@gantry/testkit";
import t from "tap";

const image = "docker.io/library/busybox:latest";

t.test("the commands of a containerd tutorial, with the binaries as built", async (t) => {
  t.setTimeout(180_000);
  if (!requires(t, "root", "overlay", "file:/bin/busybox", "binary:ctr", "binary:supervisor")) return;
  await using stack = await startSupervisor({ t });
  t.match(await stack.ok(["version"]), /^Client:[\s\S]*^Server:/m);
  await stack.ok(["images", "import", await busyboxArchive(stack.directory)]);
  t.equal(await stack.ok(["images", "ls", "-q"]), `${image}\n`);
  t.equal(await stack.ok(["run", "--rm", image, "hello", "echo", "hello"]), "hello\n");

  await stack.ok(["run", "-d", image, "demo", "sleep", "1000"]);
  const [, pid = ""] = /^demo +(\d+) +RUNNING$/m.exec(await stack.ok(["tasks", "ls"])) ?? [];
  t.match(readFileSync(`/proc/${pid}/comm`, "utf8"), "sleep");
  t.match(await stack.ok(["tasks", "exec", "--exec-id", "look", "demo", "ps"]), /sleep 1000/);
  await using shell = stack.terminal(["tasks", "exec", "-t", "--exec-id", "shell", "demo", "sh"]);
  await shell.expect(/# /, 20_000);
  shell.send("exit 6\r");
  t.equal((await shell.ended).code, 6);
  await stack.ok(["tasks", "kill", "--signal", "SIGKILL", "demo"]);
  await waitFor(async () => /STOPPED/.test(await stack.ok(["tasks", "ls"])), { what: "the task's end" });
  await stack.ctr(["tasks", "delete", "demo"]);
  await stack.ok(["containers", "delete", "demo"]);
  t.equal(await stack.ok(["containers", "ls", "-q"]), "");
  t.notMatch(await stack.ok(["snapshots", "ls"]), /^demo /m);
  await stack.ok(["images", "rm", image]);
  t.equal(await stack.ok(["content", "ls", "-q"]), "", "nothing is kept that nothing needs");
});
