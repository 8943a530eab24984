import { requires } from "@gantry/testkit";
import { type Test, test } from "tap";
import { type Stack, startStack } from "../support/stack.ts";

/** Behaviour that does not depend on the runtime, init or proxy. */
async function works(t: Test, stack: Stack, flags: string[]): Promise<void> {
  const { client } = stack;
  t.strictSame(await client(["run", "--rm", ...flags, "busybox", "sh", "-c", "echo hi; exit 4"]), {
    code: 4,
    stdout: "hi\n",
    stderr: "",
  });
  t.equal((await client(["run", "-i", "--rm", ...flags, "busybox", "cat"], { stdin: "in" })).stdout, "in");
  const missing = await client(["run", "--rm", ...flags, "busybox", "no-such-program"]);
  t.equal(missing.code, 127, missing.stderr);
  const run = await client(["run", "-d", "--name", "swap", ...flags, "busybox", "sleep", "1000"]);
  t.equal(run.code, 0, run.stderr);
  t.equal((await client(["exec", "swap", "echo", "inside"])).stdout, "inside\n");
  t.equal((await client(["exec", "swap", "sh", "-c", "exit 8"])).code, 8);
  t.equal((await client(["stop", "-t", "1", "swap"])).code, 0);
  t.equal((await client(["rm", "swap"])).code, 0);
}

test("Debian's runc as the runtime, by name and by default", async (t) => {
  if (!requires(t, "tool:runc")) return;
  await using stack = await startStack({ engineFlags: ["--runtime", "runc=/usr/sbin/runc"] });
  await works(t, stack, ["--runtime", "runc"]);
  await using terminal = await stack.terminal(["run", "-it", "--rm", "--runtime", "runc", "busybox", "sh"]);
  await terminal.expect(/# /);
  terminal.send("exit 3\n");
  t.equal((await terminal.ended).code, 3);
});

test("Debian's crun as the runtime, where it runs on the machine", async (t) => {
  if (!requires(t, "tool:crun", "cgroup2")) return;
  await using stack = await startStack({ engineFlags: ["--runtime", "crun=/usr/bin/crun"] });
  await works(t, stack, ["--runtime", "crun"]);
});

test("Debian's tini-static as the init", async (t) => {
  if (!requires(t, "file:/usr/bin/tini-static")) return;
  await using stack = await startStack({ engineFlags: ["--init-path", "/usr/bin/tini-static"] });
  await works(t, stack, ["--init"]);
});

test("Debian's docker-proxy as the userland proxy", async (t) => {
  if (!requires(t, "tool:docker-proxy")) return;
  await using stack = await startStack({
    engineFlags: ["--userland-proxy-path", "/usr/sbin/docker-proxy"],
  });
  const run = await stack.client([
    "run",
    "-d",
    "--name",
    "web",
    "-p",
    "8080:80",
    "busybox",
    "sh",
    "-c",
    "mkdir /w; echo through > /w/index.html; exec httpd -f -p 80 -h /w",
  ]);
  t.equal(run.code, 0, run.stderr);
  const { stdout } = await stack.sh(
    "for i in $(seq 50); do curl -s -m 2 http://127.0.0.1:8080/ && break; sleep 0.1; done; curl -s -m 2 'http://[::1]:8080/'",
  );
  t.equal(stdout, "through\nthrough\n");
  t.match((await stack.sh("ps -o args -C docker-proxy")).stdout, /-host-port 8080/);
  await stack.client(["rm", "-f", "web"]);
});
