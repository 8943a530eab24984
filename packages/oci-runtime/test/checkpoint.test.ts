import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { distBin, missing, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { count, counter, criuReason } from "./criu.ts";
import { cannotRun, Runtime } from "./oracle/runtime.ts";
import { addNotify, ServiceManager } from "./oracle/service-manager.ts";

/** RUNTIME=PATH runs these with another runtime. */
const program = process.env["RUNTIME"] ?? join(distBin, "oci-runtime");
const skip = cannotRun(program) ?? missing("tool:criu");
const broken = skip || criuReason();
const SOCK_STREAM = 1;

/** Where nothing is written to: images and log of one checkpoint. */
function places(runtime: Runtime, name: string): string[] {
  return ["--image-path", join(runtime.directory, name), "--work-path", join(runtime.directory, `${name}-work`)];
}

test("a restored program continues where it was checkpointed, in its cgroup, with the host's bind mounts", {
  skip: broken,
}, async (t) => {
  await using runtime = new Runtime(program);
  const source = join(runtime.directory, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "bound\n");
  runtime.configure(counter, (config) => {
    config.mounts.push({ destination: "/bound", type: "bind", source, options: ["rbind", "ro"] });
    config.linux.resources = { pids: { limit: 33 } };
  });
  const id = await runtime.runDetached();
  await waitFor(() => count(runtime) > 2);
  const left = await runtime.cli("checkpoint", ...places(runtime, "left"), "--leave-running", id);
  t.equal(left.code, 0, left.stderr);
  const before = count(runtime);
  await waitFor(() => count(runtime) > before, { what: "the one that is left running to run on" });
  const { pid } = await runtime.state(id);
  const written = await runtime.cli("checkpoint", ...places(runtime, "images"), id);
  t.equal(written.code, 0, written.stderr);
  t.notOk(existsSync(`/proc/${pid}`), "its processes are gone");
  t.match(await runtime.cli("state", id), { code: 1, stderr: /does not exist/ });
  const stopped = count(runtime);
  const pidFile = join(runtime.directory, "pid");
  const flags = places(runtime, "images").join(" ");
  const restored = await runtime.sh(
    `r restore -d ${flags} --pid-file ${pidFile} ${id} >out 2>&1 </dev/null || cat out`,
  );
  t.equal(restored.stdout, "");
  await waitFor(() => count(runtime) > stopped, { what: "the restored one to go on" });
  t.ok(count(runtime) < stopped + 200, "from where it was, not from 1");
  const after = await runtime.state(id);
  t.match(after, { status: "running", pid: Number(readFileSync(pidFile, "utf8")) });
  t.match(readFileSync(`/proc/${after.pid}/cgroup`, "utf8"), new RegExp(`:/.*${id}$`, "m"));
  t.equal((await runtime.cli("exec", id, "cat", "/bound/file")).stdout, "bound\n");
  t.equal((await runtime.cli("delete", "--force", id)).code, 0);
  t.notMatch(readFileSync("/proc/self/mountinfo", "utf8"), runtime.directory, "no mount is left");
});

test("a ready machine is not set up again, and finds its socket's directory", { skip: broken }, async (t) => {
  await using runtime = new Runtime(program);
  using manager = new ServiceManager(join(runtime.directory, "manager.sock"));
  addNotify(runtime);
  runtime.configure(`notify READY=1; ${counter}`);
  const id = runtime.newId();
  const quiet = (command: string) =>
    runtime.sh(`export NOTIFY_SOCKET=${manager.address}; r ${command} >out 2>&1 </dev/null || cat out`);
  const running = quiet(`run -d ${id}`);
  await manager.ready();
  t.equal((await running).stdout, "");
  const flags = places(runtime, "images").join(" ");
  t.equal((await quiet(`checkpoint ${flags} ${id}`)).stdout, "");
  const stopped = count(runtime);
  t.equal((await quiet(`restore -d ${flags} ${id}`)).stdout, "");
  await waitFor(() => count(runtime) > stopped, { what: "the restored one to go on" });
  t.equal((await runtime.cli("exec", id, "ls", "/run")).stdout, "notify\n");
  t.equal((await runtime.cli("delete", "--force", id)).code, 0);
  t.notOk(existsSync(join(runtime.root, id)));
});

test("in rounds: memory first, then the rest; and restored in the foreground", { skip: broken }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure(`${counter.replace("while :", "while test $i -lt 40")}; exit 7`);
  const id = runtime.newId();
  const script = `r run -d ${id} 2>&1 </dev/null | cat >/dev/null`;
  const piped = runtime.sh(script);
  await waitFor(() => count(runtime) > 2);
  const first = await runtime.cli("checkpoint", ...places(runtime, "first"), "--pre-dump", id);
  t.equal(first.code, 0, first.stderr);
  t.equal(await runtime.status(id), "running");
  const second = await runtime.cli("checkpoint", ...places(runtime, "second"), "--parent-path", "../first", id);
  t.equal(second.code, 0, second.stderr);
  t.ok(statSync(join(runtime.directory, "second")).isDirectory());
  await piped;
  const restore = `r restore ${places(runtime, "second").join(" ")} ${id} </dev/null; echo status $?`;
  // CRIU opens what takes a pipe's place once more, which cannot be done with the sockets of a test's streams.
  t.match((await runtime.sh(`{ ${restore}; } 2>&1 | cat`)).stdout, /^status 7$/m);
  t.equal(count(runtime), 40);
  t.match(await runtime.cli("state", id), { code: 1 });
});

test("a terminal comes back over a console socket", { skip: broken }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure("while read line; do echo got $line; done", (config) => {
    config.process.terminal = true;
  });
  const native = nativeSys();
  const receive = async (begin: (path: string) => Promise<unknown>): Promise<number> => {
    const path = join(runtime.directory, `console-${runtime.newId()}`);
    const listener = native.unixListen(path, SOCK_STREAM, 1);
    await begin(path);
    const socket = native.accept(listener) ?? -1;
    const [master = -1] = native.recvFds(socket, 4096, 2)?.fds ?? [];
    for (const fd of [socket, listener]) native.closeFd(fd);
    return master;
  };
  const id = runtime.newId();
  const one = await receive((path) => runtime.runDetached(id, "--console-socket", path));
  const written = await runtime.cli("checkpoint", ...places(runtime, "images"), id);
  t.equal(written.code, 0, written.stderr);
  native.closeFd(one);
  const flags = places(runtime, "images").join(" ");
  const two = await receive(async (path) => {
    const { stdout } = await runtime.sh(
      `r restore -d ${flags} --console-socket ${path} ${id} >out 2>&1 </dev/null || cat out`,
    );
    t.equal(stdout, "");
  });
  const { readSync, writeSync } = await import("node:fs");
  writeSync(two, "word\n");
  native.setNonBlocking(two, true);
  const chunk = Buffer.alloc(4096);
  let shown = "";
  await waitFor(() => {
    shown += chunk.toString("utf8", 0, readSync(two, chunk));
    return shown.includes("got word");
  });
  native.closeFd(two);
});

test("a failed request gives a reason, and the container keeps running", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure(counter);
  const id = await runtime.runDetached();
  const absent = await runtime.cli("--criu", "/nowhere/criu", "checkpoint", ...places(runtime, "a"), id);
  t.match(absent, { code: 1, stderr: /\/nowhere\/criu/ });
  if (broken) {
    const refused = await runtime.cli("checkpoint", ...places(runtime, "b"), id);
    t.match(refused, { code: 1, stderr: /criu failed: .*log file: .*dump\.log/ });
    t.match(readFileSync(join(runtime.directory, "b-work/dump.log"), "utf8"), /Error/);
  }
  const before = count(runtime);
  await waitFor(() => count(runtime) > before);
  t.equal(await runtime.status(id), "running");
  for (const [flags, message] of [
    [["--empty-ns", "pid"], /empty-ns/],
    [["--page-server", "here"], /page-server|address/],
    [["--manage-cgroups-mode", "odd"], /odd|manage-cgroups/],
  ] as const)
    t.match(await runtime.cli("checkpoint", ...flags, id), { code: 1, stderr: message });
  const lost = await runtime.cli("restore", "--image-path", join(runtime.directory, "none"), runtime.newId());
  t.equal(lost.code, 1);
  t.same((await runtime.cli("list", "-q")).stdout.trim(), id, "a restore that fails leaves nothing");
});
