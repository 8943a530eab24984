import { test } from "tap";
import { fileStack } from "../support/file-stack.ts";

const stack = await fileStack();
const { client } = stack;

/** Command line, exit code, what stderr must name. */
const cases: [string[], number, RegExp][] = [
  [["nonsense"], 1, /'nonsense' is not a client command/],
  [["run"], 1, /requires at least 1 argument/],
  [["run", "--frobnicate", "busybox"], 125, /unknown flag: --frobnicate/],
  [["ps", "--frobnicate"], 125, /unknown flag: --frobnicate/],
  [["run", "--rm", "-p", "80:80:80:80", "busybox"], 125, /80:80:80:80|invalid/],
  [["run", "--rm", "-p", "99999:80", "busybox"], 125, /99999/],
  [["run", "--rm", "-p", "80/sctpx", "busybox"], 125, /sctpx/],
  [["run", "--rm", "-m", "lots", "busybox"], 125, /lots/],
  [["run", "--rm", "-m", "1k", "busybox"], 125, /[Mm]inimum memory limit/],
  [["run", "--rm", "--cpus", "many", "busybox"], 125, /many/],
  [["run", "--rm", "--cap-add", "FLYING", "busybox", "true"], 125, /FLYING/],
  [["run", "--rm", "--network", "no-such-net", "busybox", "true"], 125, /no-such-net/],
  [["run", "--rm", "--name", "-bad", "busybox", "true"], 125, /-bad/],
  [["run", "--rm", "-u", "nobody-here", "busybox", "true"], 125, /nobody-here/],
  [["run", "--rm", "--runtime", "no-such-runtime", "busybox", "true"], 125, /no-such-runtime/],
  [["run", "--rm", "--env-file", "/no/such/file", "busybox"], 125, /\/no\/such\/file/],
  [["run", "--rm", "--mount", "type=weird,dst=/x", "busybox"], 125, /weird/],
  [["run", "BadCase", "true"], 125, /invalid reference format|must be lowercase/],
  [["rm", "no-such-container"], 1, /No such container: no-such-container/],
  [["logs", "no-such-container"], 1, /No such container: no-such-container/],
  [["exec", "no-such-container", "true"], 1, /No such container: no-such-container/],
  [["inspect", "no-such-thing"], 1, /No such object: no-such-thing/],
  [["inspect", "--format", "{{ .Broken", "busybox"], 64, /[Tt]emplate/],
  [["volume", "create", "bad/name"], 1, /bad\/name/],
  [["network", "create", "--subnet", "300.0.0.0/8", "n"], 1, /300\.0\.0\.0/],
  [["rmi", "no-such-image"], 1, /No such image: no-such-image/],
];

test("each wrong command line has one clear error and its exit code", async (t) => {
  for (const [args, code, message] of cases) {
    const result = await client(args);
    t.match(result.stderr, message, args.join(" "));
    t.equal(result.code, code, `${args.join(" ")}: exit code (${result.stderr.trim()})`);
    t.notMatch(result.stderr, /\n\s+at .*:\d+/, "no stack trace");
  }
  t.equal((await client(["ps", "-aq"])).stdout, "", "nothing is left behind");
});

test("a name that is taken is refused", async (t) => {
  await client(["create", "--name", "mine", "busybox"]);
  const second = await client(["create", "--name", "mine", "busybox"]);
  t.equal(second.code, 1);
  t.match(second.stderr, /The container name "\/mine" is already in use/);
  await client(["rm", "mine"]);
});

test("a dead engine is said to be dead, at once", async (t) => {
  const started = performance.now();
  const result = await client(["ps"], { env: { GANTRY_HOST: `ipc://${stack.directory}/nobody.sock` } });
  t.equal(result.code, 1);
  t.match(result.stderr, /Cannot connect to the Gantry engine at ipc:.*nobody\.sock/);
  t.ok(performance.now() - started < 3000);
});
