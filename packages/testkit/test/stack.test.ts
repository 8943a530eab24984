import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import {
  cgroupDirectories,
  type LeakScope,
  requires,
  run,
  type Stack,
  startStack,
  tempDir,
  waitFor,
} from "../src/index.ts";

/** An engine and a client with just what the stack itself needs of them: a socket, and a list of "containers". */
const engine = `#!/bin/bash
while [ $# -gt 0 ]; do case $1 in --state) state=$2;; --root) root=$2;; esac; shift; done
mkdir -p $state $root
touch $state/engine.sock
echo "engine at $state"
trap 'kill $!; rm $state/engine.sock; exit 0' TERM
while :; do sleep 60 & wait $!; done
`;
const client = `#!/bin/bash
state=\${GANTRY_HOST#ipc://}; state=\${state%/engine.sock}
case $1 in
  version) test -e $state/engine.sock ;;
  ps) ls $state | grep ^container; exit 0 ;;
  rm) shift 2; for c; do rm $state/$c; done ;;
  echo) shift; echo "$@"; cat ;;
  fail) echo "no such thing" >&2; exit 125 ;;
  tty) tty; stty size ;;
esac
`;

async function stackWith(bin: string, options = {}): Promise<Stack> {
  mkdirSync(bin, { recursive: true });
  for (const [name, script] of [
    ["engine", engine],
    ["client", client],
  ] as const) {
    writeFileSync(join(bin, name), script);
    chmodSync(join(bin, name), 0o755);
  }
  return startStack({ bin, ...options });
}

const needs = ["root", "tool:unshare", "tool:nsenter"] as const;

test("a stack runs in namespaces of its own and leaves nothing", async (t) => {
  if (!requires(t, ...needs)) return;
  await using directory = tempDir("bin");
  let root: string;
  {
    await using stack = await stackWith(directory.path, { t });
    root = stack.root;
    t.equal((await stack.client(["echo", "a", "b"], { stdin: "input" })).stdout, "a b\ninput");
    t.same(await stack.client(["fail"]), { code: 125, stdout: "", stderr: "no such thing\n" });
    await t.rejects(stack.ok(["fail"]), /client fail: exit status 125\nno such thing/);
    t.match((await stack.client(["tty"], { tty: true })).stdout, /\/dev\/pts\/\d+\r\n24 80/);
    t.match(
      (await stack.sh("ip -o link; echo $GANTRY_HOST")).stdout,
      /^1: lo: <LOOPBACK,UP.*\nipc:.*\/engine\.sock\n$/,
    );
    t.match(stack.engineLog(), `engine at ${stack.state}`);
    await stack.restartEngine("SIGKILL");
    t.equal((await stack.client(["version"])).code, 0);
    writeFileSync(join(stack.state, "container1"), "");
  }
  t.notOk(existsSync(root));
});

test("a stack's leftovers are an error that names them, and are removed", async (t) => {
  if (!requires(t, ...needs, "tool:iptables", "cgroup1")) return;
  await using directory = tempDir("bin");
  const leaks: [string, string, RegExp][] = [
    ["mount", "mkdir STATE/m && mount -t tmpfs none STATE/m", /mount left: \S+\/state\/m \(tmpfs\)/],
    ["interface", "ip link add veth1 type veth peer name veth2", /interface left: veth1/],
    ["rule", "iptables -A INPUT -p tcp --dport 81 -j DROP", /iptables rule left: -A INPUT .*--dport 81 -j DROP/],
    [
      "cgroup",
      "mkdir -p /sys/fs/cgroup/pids/PARENT/left",
      /cgroup left after the shutdown: \/sys\/fs\/cgroup\/pids\/gantry-test-\w+\/left/,
    ],
    [
      "process",
      "setsid sleep 987 < /dev/null > /dev/null 2>&1 & :",
      /process left after the shutdown: \d+ .*sleep 987/,
    ],
  ];
  for (const [kind, command, message] of leaks) {
    let scope: LeakScope | undefined;
    const broken = async () => {
      await using stack = await stackWith(directory.path, { patienceMs: 300 });
      scope = stack.scope;
      const trapped =
        kind === "process" ? `GANTRY_TEST_ID=${scope.marker} env --ignore-signal=TERM sh -c '${command}'` : command;
      t.equal((await stack.sh(trapped.replaceAll("STATE", stack.state).replace("PARENT", stack.cgroupParent))).code, 0);
    };
    await t.rejects(broken(), message, kind);
    t.same(cgroupDirectories(scope?.cgroupParent ?? ""), []);
    t.equal((await run("pgrep", ["-f", "sleep 987"])).stdout, "");
  }
});

test("an outside reaches the stack over a network of its own", async (t) => {
  if (!requires(t, ...needs, "file:/bin/busybox")) return;
  await using directory = tempDir("bin");
  await using stack = await stackWith(directory.path, { outside: true });
  const { hostAddress, address } = stack.outside();
  const listening = stack.sh(`echo hello | /bin/busybox nc -l -p 80`);
  const got = await waitFor(
    async () => (await stack.outside().sh(`/bin/busybox nc ${hostAddress} 80 < /dev/null`)).stdout,
  );
  t.equal(got, "hello\n");
  await listening;
  t.match((await stack.outside().sh("ip -o -4 addr show eth0")).stdout, address);
});

test("an engine that does not start is an error with its log", async (t) => {
  if (!requires(t, ...needs)) return;
  await using directory = tempDir("bin");
  writeFileSync(join(directory.path, "engine"), "#!/bin/sh\necho cannot do it >&2; exit 1\n", { mode: 0o755 });
  await t.rejects(startStack({ bin: directory.path }), /did not start; its log:\ncannot do it/);
});
