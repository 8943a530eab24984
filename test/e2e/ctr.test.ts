import { readFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, distBin, requires, startStack, startSupervisor, waitFor } from "@gantry/testkit";
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

t.test("plain ctr beside a plain engine: its supervisor and its namespace", async (t) => {
  t.setTimeout(120_000);
  if (!requires(t, "root", "overlay", "file:/bin/busybox", "binary:ctr", "binary:engine")) return;
  await using stack = await startStack({ t });
  await stack.ok(["load", "-i", await busyboxArchive(stack.state)]);
  const id = (await stack.ok(["run", "-d", "--network", "none", "busybox", "sleep", "1000"])).trim();
  const ctr = join(distBin, "ctr");
  // The usual paths lead to this stack's state in a mount namespace of its own.
  const usual = `mount -t tmpfs run /run && mkdir /run/gantry && mount --bind ${stack.state} /run/gantry`;
  const plain = (args: string) => stack.sh(`unshare -m sh -c '${usual} && ${ctr} ${args}'`);
  t.match(await plain("containers ls -q"), { code: 0, stdout: `${id}\n`, stderr: "" });
  t.match(await plain("run --rm docker.io/library/busybox:latest shell echo hello"), { code: 0, stdout: "hello\n" });
  t.equal((await plain("-n default containers ls -q")).stdout, "");
  t.equal((await plain("namespaces ls -q")).stdout, "gantry\n");
  const elsewhere = await stack.sh(`unshare -m sh -c 'mount -t tmpfs run /run && ${ctr} containers ls'`);
  t.match(elsewhere, {
    code: 1,
    stderr:
      "ctr: Cannot connect to a Gantry supervisor: none listens at /run/gantry/supervisor.sock or /run/gantry/supervisor/supervisor.sock. Is the engine or a supervisor running?\n",
  });
  const explicit = await stack.sh(`${ctr} -a ${stack.state}/supervisor/supervisor.sock containers ls -q`);
  t.equal(explicit.stdout, `${id}\n`);
  await stack.ok(["rm", "-f", id]);
});
