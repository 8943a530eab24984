import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { connect as connectTo } from "@gantry/ipc";
import { engineContract } from "@gantry/ipc/contracts/engine";
import { shimContract } from "@gantry/ipc/contracts/shim";
import { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { cgroupDirectories, distBin, freePort, makeNamespaces, requires, waitFor } from "@gantry/testkit";
import t, { test } from "tap";
import { keptVariables } from "../tools/src/environment/names.ts";
import { type Alone, alone, busyboxBundle, firstLine, say } from "./support/alone.ts";
import { lookupLogger } from "./support/lookup-log.ts";

/** Each binary is looked at as a person has it who took this one file and nothing else. */

const names = [
  ...(["client", "ctr", "engine", "supervisor", "shim", "oci-runtime", "oci-runtime-worker"] as const),
  ...(["tini", "port-proxy"] as const),
] as const;
/** Arguments that make the runtime load its addon; then it fails, because there is nothing to run. */
const nothingToRun = (runtime: Alone) => ["--root", join(runtime.home, "state"), "run", "--bundle", runtime.home, "x"];
const nothingThere = { code: 1, stdout: "", stderr: "config.json not found" };

/** A library that reports every look-up of a variable in C, which is how Node's process.env works too. */
const lookupLog = lookupLogger(t);
/** A disarmed name begins with a character that no variable has, or that none of ours has. */
const isKept = (variable: string) =>
  /^[=$]/.test(variable) || Object.hasOwn(keptVariables, variable) || passed.has(variable);
/** A program that passes its environment on looks up all that is in it: here as little as possible. */
const passed = new Set(["PATH", "HOME", "LD_PRELOAD"]);
const inherited = Object.keys(process.env).filter((variable) => !passed.has(variable));
const noVariables = Object.fromEntries(inherited.map((variable) => [variable, undefined]));

const versions = {
  client: "Gantry version 0.1.0\n",
  ctr: "ctr Gantry 0.1.0\n",
  "oci-runtime": "oci-runtime version 0.1.0\nspec: 1.3.0\n",
};

for (const name of names) {
  test(`${name}: version and help need nothing beside the file`, async (t) => {
    if (!requires(t, `binary:${name}`)) return;
    await using binary = alone(name);
    const version = name in versions ? versions[name as keyof typeof versions] : `${name} version 0.1.0\n`;
    const printed = await binary.run(["--version"]);
    // The commit of the build is there where it was built from a checkout.
    const stdout = printed.stdout.replace(/^commit: [0-9a-f]{7,40}(-dirty)?\n/m, "");
    t.same({ ...printed, stdout }, { code: 0, stdout: version, stderr: "" });
    // The original's command line has no --help.
    const help = await binary.run(["--help"]);
    t.equal(help.code, 0);
    t.match(help.stdout, new RegExp(`^Usage:\\s+${name}\\b`, "mi"), "usage");
    t.match(help.stdout, new RegExp(`^Examples?:\\s+.*\\b${name}\\b`, "m"), "an example");
    t.equal(help.stderr, "");
    t.same(readdirSync(binary.directory), [name], "nothing is left beside it");
  });
}

for (const name of names) {
  test(`${name}: looks up no variable of its JS runtime`, async (t) => {
    if (!requires(t, `binary:${name}`, "tool:gcc")) return;
    await using binary = alone(name);
    for (const args of [["--version"], ["--help"]]) {
      const { stderr } = await binary.run(args, { env: { ...noVariables, LD_PRELOAD: lookupLog() } });
      const asked = new Set(stderr.split("\n").flatMap((line) => line.match(/^getenv (.*)/)?.[1] ?? []));
      t.ok(asked.has("LANG"), "look-ups are seen");
      t.same([...asked].filter((variable) => !isKept(variable)).sort(), [], args.join(" "));
    }
  });
}

for (const name of names) {
  test(`${name}: neither variables of its JS runtime nor files of the working directory steer it`, async (t) => {
    if (!requires(t, `binary:${name}`)) return;
    await using binary = alone(name);
    const evil = join(binary.home, "evil.cjs");
    const written = join(binary.home, "written");
    writeFileSync(evil, "process.exit(99);\n");
    writeFileSync(join(binary.home, "bunfig.toml"), `preload = ["${evil}"]\n`);
    writeFileSync(join(binary.home, ".env"), `BUN_OPTIONS="--preload ${evil}"\n`);
    const plain = await binary.run(["--version"]);
    t.equal(plain.code, 0);
    for (const env of [
      { BUN_OPTIONS: `--preload ${evil}` },
      { BUN_BE_BUN: "1" },
      { BUN_INSPECT_PRELOAD: evil, BUN_INSPECT: "ws://127.0.0.1:1/" },
      { NODE_OPTIONS: `--require ${evil}` },
      { BUN_JSC_dumpOptions: "1" },
      { BUN_JSC_noSuchOption: "1" },
      { BUN_BYTECODE_ORDER_OUT: written, BUN_BYTECODE_DIGEST_OUT: written, BUN_TRACE: written },
      { NODE_V8_COVERAGE: written },
      { NODE_REDIRECT_WARNINGS: written, NODE_PENDING_DEPRECATION: "1" },
      { NODE_DEBUG: "*", NODE_DEBUG_NATIVE: "*" },
      { NODE_COMPILE_CACHE: written },
      { NODE_EXTRA_CA_CERTS: evil, NODE_ICU_DATA: "/nonexistent", OPENSSL_CONF: evil },
      { SIMDUTF_FORCE_IMPLEMENTATION: "none", UV_THREADPOOL_SIZE: "0" },
    ])
      t.same(await binary.run(["--version"], { env, cwd: binary.home }), plain, Object.keys(env)[0] ?? "");
    t.notOk(existsSync(written), "no file is written");
  });
}

test("client: says that no engine is there", async (t) => {
  if (!requires(t, "binary:client")) return;
  await using client = alone("client");
  const endpoint = `ipc://${client.directory}/none.sock`;
  const result = await client.run(["ps"], { env: { GANTRY_HOST: endpoint } });
  t.match(result, { code: 1, stdout: "", stderr: `Cannot connect to the Gantry engine at ${endpoint}.` });
});

test("oci-runtime: writes a spec and runs it", async (t) => {
  if (!requires(t, "root", "binary:oci-runtime", "file:/bin/busybox")) return;
  await using runtime = alone("oci-runtime");
  const state = join(runtime.directory, "state");
  const id = `alone-${process.pid}`;
  const bundle = await busyboxBundle(runtime, ["sh", "-c", "echo as $$ on $(hostname); exit 7"]);
  const result = await runtime.run(["--root", state, "run", "--bundle", bundle, id]);
  t.same(result, { code: 7, stdout: "as 1 on alone\n", stderr: "" });
  t.same(readdirSync(state), [], "no state is left");
  t.same(cgroupDirectories(id), [], "no cgroup is left");
});

test("oci-runtime: messages are another program's, which it becomes or names", async (t) => {
  if (!requires(t, "binary:oci-runtime", "binary:oci-runtime-worker")) return;
  await using runtime = alone("oci-runtime");
  const stderr = "worker: there is no oci-runtime-worker beside";
  t.match(await runtime.run(["worker", "--version"]), { code: 1, stdout: "", stderr });
  await using worker = alone("oci-runtime-worker");
  const env = { PATH: worker.directory };
  const stdout = "oci-runtime-worker version 0.1.0\n";
  t.same(await runtime.run(["worker", "--version"], { env }), { code: 0, stdout, stderr: "" });
});

test("tini: runs a program and ends as it does", async (t) => {
  if (!requires(t, "binary:tini", "binary:tini-static")) return;
  for (const name of ["tini", "tini-static"]) {
    await using tini = alone(name);
    const script = "echo $1; exit 3";
    const result = await tini.run(["-s", "--", "sh", "-c", script, "sh", "an argument"]);
    t.same(result, { code: 3, stdout: "an argument\n", stderr: "" }, name);
  }
});

test("port-proxy: passes a connection on", async (t) => {
  if (!requires(t, "binary:port-proxy")) return;
  await using binary = alone("port-proxy");
  await using target = createServer((socket) => socket.resume().end("from behind"));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const port = String(await freePort());
  const behind = String((target.address() as { port: number }).port);
  const host = ["-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", port];
  await using proxy = binary.start([...host, "-container-ip", "127.0.0.1", "-container-port", behind]);
  t.equal(await waitFor(() => say(Number(port), "hello"), { what: "an answer through the proxy" }), "from behind");
  proxy.kill("SIGTERM");
  t.match(await proxy.ended, { code: 0 });
  t.equal(proxy.stderr(), "");
});

test("shim: takes its first line, answers its contract, ends when it is unused", async (t) => {
  if (!requires(t, "root", "binary:shim")) return;
  await using binary = alone("shim");
  const directory = join(binary.directory, "own");
  await using shim = binary.start([]);
  shim.child.stdin?.write(`${JSON.stringify({ directory })}\n`);
  const ready = JSON.parse(await firstLine(shim)) as { address: string };
  t.match(ready, { address: `ipc://${directory}/shim.sock`, pid: shim.pid, version: "0.1.0" });
  const client = connectTo(shimContract, { endpoint: ready.address });
  t.teardown(() => client.close());
  await t.rejects(client.call("state", {}), { name: "RpcError", code: "NotFound" }, "there is no container yet");
  shim.child.stdin?.end();
  t.match(await shim.ended, { code: 0 });
  t.same(readdirSync(binary.directory), ["shim"], "its directory is gone");
});

test("supervisor, engine and client: each in a directory of its own", async (t) => {
  if (!requires(t, "root", ...names.map((name) => `binary:${name}` as const), "tool:iptables")) return;
  await using namespaces = await makeNamespaces();
  const inside = { within: namespaces };
  await using shim = alone("shim");
  await using runtime = alone("oci-runtime");
  await using proxy = alone("port-proxy");
  await using supervisor = alone("supervisor", inside);
  await using engine = alone("engine", inside);
  await using client = alone("client", inside);
  const places = ({ directory }: { directory: string }) => [
    ...["--root", join(directory, "root")],
    ...["--state", join(directory, "state")],
  ];
  const parts = ["--shim", shim.path, "--oci-runtime", runtime.path];
  const supervisorEndpoint = `ipc://${supervisor.directory}/state/supervisor.sock`;
  const engineEndpoint = `ipc://${engine.directory}/state/engine.sock`;

  await using served = supervisor.start([...places(supervisor), ...parts, "--standby", "0", "--log-level", "warn"]);
  const toSupervisor = connectTo(supervisorContract, { endpoint: supervisorEndpoint });
  t.teardown(() => toSupervisor.close());
  const answer = await toSupervisor.call("version", {}, { timeoutMs: 10_000 });
  t.match(answer, { version: "0.1.0", root: join(supervisor.directory, "root") });

  const own = ["--supervisor", supervisorEndpoint, ...parts, "--userland-proxy-path", proxy.path];
  await using started = engine.start([...places(engine), ...own]);
  const toEngine = connectTo(engineContract, { endpoint: engineEndpoint });
  t.teardown(() => toEngine.close());
  await toEngine.call("ping", {}, { timeoutMs: 10_000 });
  const listed = await client.run(["ps", "-a"], { env: { GANTRY_HOST: engineEndpoint } });
  t.match(listed, { code: 0, stdout: /^CONTAINER ID .*\n$/, stderr: "" });

  started.kill("SIGTERM");
  t.match(await started.ended, { code: 0 }, "the engine ends");
  t.match(await toSupervisor.call("version", {}), { version: "0.1.0" }, "the supervisor stays");
  served.kill("SIGTERM");
  t.match(await served.ended, { code: 0 });
  t.equal(served.stderr(), "");
});

test("an unprivileged user's addons go to a directory of that user", async (t) => {
  if (!requires(t, "root", "binary:client", "binary:oci-runtime", "tool:setpriv")) return;
  await using client = alone("client", { user: 65534 });
  const env = { GANTRY_HOST: "ipc:///nonexistent/engine.sock" };
  t.match(await client.run(["ps"], { env }), { code: 1, stderr: "Cannot connect" });
  // Under Node the client calls by zeromq, which is an addon.
  t.same(readdirSync(client.home), basename(distBin) === "node-bin" ? [".cache"] : [], "the client's");

  await using runtime = alone("oci-runtime", { user: 65534 });
  t.match(await runtime.run(["spec"], { cwd: runtime.home }), { code: 0 });
  t.match(JSON.parse(readFileSync(join(runtime.home, "config.json"), "utf8")), { ociVersion: "1.3.0" });
  const own = { env: { XDG_RUNTIME_DIR: runtime.home } };
  mkdirSync(`${runtime.home}/state`);
  t.match(await runtime.run(["--root", `${runtime.home}/state`, "list"], own), { code: 0, stdout: /^ID / });
  t.same(readdirSync(runtime.home).sort(), ["config.json", "state"], "so far no addon was needed");
  t.match(await runtime.run(nothingToRun(runtime), { ...own, cwd: runtime.directory }), { code: 1 });
  t.match(runtime.addons("."), [{ name: /^native-sys-/, uid: 65534, mode: "500", directoryMode: "700" }]);
});

test("a directory for addons that others have a hand in is refused", async (t) => {
  if (!requires(t, "root", "binary:oci-runtime", "tool:setpriv")) return;
  await using runtime = alone("oci-runtime", { user: 65534 });
  const directory = join(runtime.home, "gantry-addons");
  const env = { XDG_RUNTIME_DIR: runtime.home };
  const load = () => runtime.run(nothingToRun(runtime), { env });
  const refusal = `${directory} must be a directory owned by user 65534 with mode 0700`;
  mkdirSync(directory, { mode: 0o700 });
  t.match(await load(), { code: 1, stdout: "", stderr: refusal }, "root's");
  runtime.give(directory, 0o770);
  t.match(await load(), { code: 1, stdout: "", stderr: refusal }, "open to the group");
  runtime.give(directory, 0o700);
  t.match(await load(), nothingThere, "set right");
});

test("an unpacked addon that was changed is replaced and not loaded", async (t) => {
  if (!requires(t, "root", "binary:oci-runtime", "tool:setpriv")) return;
  await using runtime = alone("oci-runtime", { user: 65534 });
  const load = () => runtime.run(nothingToRun(runtime));
  t.match(await load(), nothingThere);
  const [addon] = runtime.addons(".cache");
  if (!addon) return t.fail("no addon was unpacked");
  const whole = readFileSync(addon.path);
  const tampered = Buffer.from(whole);
  // The ELF header: an addon without it cannot be loaded.
  tampered.fill(0xff, 0, 64);
  runtime.overwrite(addon.path, tampered);
  t.match(await load(), nothingThere);
  t.same(readFileSync(addon.path), whole);
  t.equal(runtime.addons(".cache").length, 1, "nothing is left beside it");
});

test("where /run is mounted noexec, addons go elsewhere", async (t) => {
  if (!requires(t, "root", "binary:oci-runtime")) return;
  await using namespaces = await makeNamespaces();
  await using runtime = alone("oci-runtime", { within: namespaces });
  const mounts = "mount -t tmpfs -o noexec,mode=755 none /run && mount -t tmpfs -o mode=755 none /var/cache";
  t.match(await namespaces.sh(mounts), { code: 0 });
  t.match(await runtime.run(nothingToRun(runtime)), nothingThere);
  t.match(await namespaces.sh("ls /var/cache/gantry-addons"), { stdout: /^native-sys-\S+\n$/ });
});
