import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, start, tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { binary, killAndWait, startStack } from "../support/stack.ts";

test("a full disk: clear errors, nothing is lost, and all works again once there is room", async (t) => {
  await using stack = await startStack({ busybox: false });
  await using files = tempDir("full");
  const archive = await busyboxArchive(files.path);
  const small = join(files.path, "d");
  mkdirSync(small);
  // An engine of its own on a disk of 24 MB, inside the stack's namespaces.
  await stack.sh(`mount -t tmpfs -o size=24m,mode=755 tmpfs ${small}`);
  const args = ["--root", `${small}/r`, "--state", `${files.path}/s`, "--bridge", "small0"];
  const command = stack.namespaces.enter(binary("engine"), [...args, "--cgroup-parent", stack.cgroupParent]);
  await using engine = start(...command, { env: { GANTRY_TEST_ID: stack.scope.marker } });
  const host = { env: { GANTRY_HOST: `ipc://${files.path}/s/engine.sock` } };
  const client = (...args: string[]) => stack.client(args, host);
  const fill = () => stack.sh(`dd if=/dev/zero of=${small}/filler bs=4k 2>/dev/null`);
  const free = () => stack.sh(`rm -f ${small}/filler`);
  try {
    await waitFor(async () => existsSync(`${files.path}/s/engine.sock`) && (await client("version")).code === 0, {
      timeoutMs: 15_000,
      what: "the engine",
    });
    t.equal((await client("load", "-i", archive)).code, 0);
    t.equal((await client("run", "-d", "--name", "runs", "busybox", "sleep", "1000")).code, 0);
    await client("create", "--name", "waits", "busybox", "echo", "ok");

    await fill();
    const attempts: string[][] = [
      ["load", "-i", archive],
      ["import", archive, "made:1"],
      ["run", "--rm", "busybox", "true"],
      ["create", "--name", "late", "busybox", "true"],
      ["volume", "create", "late"],
      ["network", "create", "late"],
      ["start", "waits"],
      ["tag", "busybox", "other:1"],
    ];
    for (const args of attempts) {
      const { code, stderr } = await client(...args);
      if (code !== 0)
        t.match(stderr, /no space left|disk is full|ENOSPC|quota/i, `${args.join(" ")}: ${stderr.trim()}`);
      t.notMatch(stderr, /\n\s+at /, "no stack trace");
    }
    t.match((await client("ps", "--format", "{{.Names}}")).stdout, /runs/, "what is known can be asked for");
    t.equal((await client("exec", "runs", "echo", "in")).stdout, "in\n", "what runs goes on");

    await free();
    t.equal((await client("run", "--rm", "busybox", "echo", "again")).stdout, "again\n");
    t.equal((await client("load", "-i", archive)).code, 0);
    t.equal((await client("volume", "create", "then")).code, 0);
    t.equal((await client("start", "-a", "waits")).stdout, "ok\n");

    await fill();
    const begun = performance.now();
    const { code, stderr } = await client("rm", "-f", "waits", "runs");
    if (code !== 0) t.match(stderr, /no space left|disk is full|ENOSPC/i, `rm -f: ${stderr.trim()}`);
    t.ok(performance.now() - begun < 15_000, "no command waits for a write that cannot succeed");
    await free();
    await waitFor(async () => (await client("rm", "-f", "waits", "runs")).code === 0, {
      what: "it goes once there is room",
    });
    t.equal((await client("run", "-d", "--name", "runs", "busybox", "sleep", "1000")).code, 0);

    await fill();
    const pid = Number((await client("inspect", "-f", "{{.State.Pid}}", "runs")).stdout);
    await killAndWait(pid);
    await free();
    const state = async () => (await client("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "runs")).stdout;
    await waitFor(async () => (await state()) === "exited 137\n", {
      what: "an end that could not be written is, later",
    });
    t.equal((await client("rm", "runs")).code, 0);
    for (const path of [`${small}/r/engine.db`, `${small}/r/supervisor/metadata.db`]) {
      const found = await stack.sh(
        `${process.execPath} -e 'const d=new(require("node:sqlite").DatabaseSync)("file:${path}?mode=ro",{readOnly:true});console.log(d.prepare("pragma integrity_check").get().integrity_check)'`,
      );
      if (found.code === 0) t.equal(found.stdout, "ok\n", path);
      else t.match(found.stderr, /locked/, "its engine has it for itself");
    }
  } finally {
    const ids = (await client("ps", "-aq")).stdout.trim().split("\n").filter(Boolean);
    if (ids.length > 0) await client("rm", "-f", ...ids);
    await stack.sh(`${binary("engine")} shutdown --state ${files.path}/s`);
    engine.kill("SIGTERM");
    await engine.ended;
    await stack.sh(`umount ${small}`);
  }
});
