import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from "node:fs";
import { CLONE_NEWUTS, SOCK_CLOEXEC, SOCK_SEQPACKET, sealedProgram } from "@gantry/native-sys";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { generate, outputs } from "../schema/generate.ts";
import { KeeperClient } from "../src/index.ts";
import { encode } from "../src/wire.ts";
import { keeper, reaped, sys } from "./support.ts";

const parentOf = (pid: number) => Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
const shell = (script: string) => ({ program: "/bin/sh", argv: ["sh", "-c", script], env: ["A=b"] });

test("both sides' view of the protocol is that of the schema", async (t) => {
  const texts = generate();
  const renew = "run: node packages/keeper/schema/generate.ts";
  t.equal(readFileSync(outputs.header, "utf8"), texts.header, renew);
  t.equal(readFileSync(outputs.module, "utf8"), texts.module, renew);
});

test("a named child: its streams, its parent, its exit with the time, until that is acknowledged", async (t) => {
  await using kept = await keeper();
  const { client } = kept;
  const [output, far] = sys.pipe(0);
  const before = BigInt(Date.now()) * 1_000_000n;
  const { pid, pidFd } = await client.spawn({
    ...shell("echo $A $PWD; exit 7"),
    name: "one",
    fds: [far, far],
    cwd: "/usr",
  });
  for (const fd of [far, pidFd]) closeSync(fd);
  const text = Buffer.alloc(64);
  sys.setNonBlocking(output, false);
  t.equal(text.toString("utf8", 0, readSync(output, text)), "b /usr\n");
  closeSync(output);
  await waitFor(() => kept.exits.length === 1);
  const [exit] = kept.exits;
  t.match(exit, { name: "one", pid, exitStatus: 7 });
  t.ok(exit && exit.time >= before - 5_000_000n && exit.time <= before + 60_000_000_000n, "on the wall clock");
  t.match((await client.list()).processes, [{ name: "one", pid, exit: { exitStatus: 7, time: exit?.time } }]);
  await t.rejects(client.signal("one", 9), { code: "ESRCH" });
  await t.rejects(client.spawn({ ...shell("true"), name: "one", fds: [] }), { code: "EEXIST" });
  await client.acknowledge("one");
  await client.acknowledge("one");
  t.same((await client.list()).processes, []);
});

test("it is the subreaper: an orphan is adopted by its pid, alive or ended, and signalled by its name", async (t) => {
  await using kept = await keeper();
  const { client } = kept;
  await client.settle(true);
  const { pid: parent, pidFd } = await client.spawn({ ...shell("sleep 1000 & exec sleep 1000"), fds: [] });
  closeSync(pidFd);
  t.equal(parentOf(parent), kept.pid);
  const children = () => readFileSync(`/proc/${parent}/task/${parent}/children`, "latin1").trim();
  await waitFor(() => children() !== "");
  const orphan = Number(children());
  sys.kill(parent, 9);
  await waitFor(() => parentOf(orphan) === kept.pid);
  await client.adopt("orphan", orphan);
  await t.rejects(client.adopt("again", orphan), { code: "EEXIST" });
  await t.rejects(client.adopt("stranger", process.pid), { code: "ECHILD" });
  t.match(readFileSync(`/proc/${parent}/status`, "latin1"), /^State:\tZ/m, "an unnamed one waits while settling");
  await client.adopt("parent", parent);
  await waitFor(() => kept.exits.length === 1);
  await t.rejects(client.acknowledge("orphan"), { code: "EBUSY" });
  await t.rejects(client.signal("orphan", 99), { code: "EINVAL" });
  await client.signal("orphan", 15);
  await waitFor(() => kept.exits.length === 2);
  t.match(kept.exits, [
    { name: "parent", pid: parent, exitStatus: 137 },
    { name: "orphan", pid: orphan, exitStatus: 143 },
  ]);
});

test("without settling, an unnamed child is reaped and forgotten", async (t) => {
  await using kept = await keeper();
  const { pid, pidFd } = await kept.client.spawn({ ...shell("exit 3"), fds: [] });
  closeSync(pidFd);
  await reaped(pid);
  await t.rejects(kept.client.adopt("late", pid), { code: "ECHILD" });
});

test("why a program cannot be started is an errno, and its name is free again", async (t) => {
  await using kept = await keeper();
  const { client } = kept;
  const spawn = (path: string, more = {}) =>
    client.spawn({ name: "x", program: path, argv: [path], env: [], fds: [], ...more });
  await t.rejects(spawn("/no/such/program"), { code: "ENOENT" });
  await t.rejects(spawn("/etc/passwd"), { code: "EACCES" });
  await t.rejects(spawn("/bin/true", { cwd: "/no/such/directory" }), { code: "ENOENT", syscall: "chdir" });
  await t.rejects(spawn("/bin/true", { cloneFlags: 0x100 }), { code: "EINVAL" }, "CLONE_VM is none of its flags");
  await t.rejects(client.spawn({ program: "/bin/true", argv: [], env: [], fds: [] }), { code: "EINVAL" });
  t.same((await client.list()).processes, []);
  t.same(kept.exits, []);
});

test("a program by descriptor, in a session and namespaces of its own, with its descriptors and no other", async (t) => {
  await using kept = await keeper();
  const memory = sealedProgram(sys, "copy", readFileSync("/bin/sleep"));
  const none = openSync("/dev/null", "r+");
  const { pid, pidFd } = await kept.client.spawn({
    ...{ name: "p", program: memory, argv: ["copy", "1000"], env: [], fds: [none, none, none] },
    ...{ setsid: true, cloneFlags: CLONE_NEWUTS },
  });
  for (const fd of [memory, none, pidFd]) closeSync(fd);
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /, "")
    .split(" ");
  t.equal(Number(stat[3]), pid, "the leader of its session");
  t.not(readlinkSync(`/proc/${pid}/ns/uts`), readlinkSync("/proc/self/ns/uts"));
  // The loader has a library open at times.
  await waitFor(() => readdirSync(`/proc/${pid}/fd`).join() === "0,1,2");
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  t.match(status, /^SigBlk:\t0+$/m);
  t.match(status, /^SigIgn:\t0+$/m);
});

test("descriptors are held by name: copies are the same open file, and closing the last copy closes it", async (t) => {
  await using kept = await keeper();
  const { client } = kept;
  const [a, b] = sys.pipe(0);
  await client.put({ "init.out": a, "init.in": b });
  for (const fd of [a, b]) closeSync(fd);
  const { "init.in": input, "init.out": output } = await client.get("init.in", "init.out");
  writeSync(input, "kept");
  const text = Buffer.alloc(8);
  t.equal(text.toString("utf8", 0, readSync(output, text)), "kept");
  closeSync(input);
  await client.drop("init.in", "unknown");
  t.equal(readSync(output, text), 0, "the last writer is gone");
  await t.rejects(client.get("init.out", "init.in"), { code: "ENOENT" });
  t.same([...(await client.list()).descriptors], ["init.out"]);
  const other = openSync("/dev/null", "r");
  await client.put({ "init.out": other });
  closeSync(other);
  const { "init.out": replaced } = await client.get("init.out");
  t.equal(readlinkSync(`/proc/self/fd/${replaced}`), "/dev/null", "a name in use gets the new descriptor");
  for (const fd of [output, replaced]) closeSync(fd);
});

test("full tables are errors, and what is there stays", async (t) => {
  await using kept = await keeper();
  const { client } = kept;
  const fd = openSync("/dev/null", "r");
  const names = Array.from({ length: 512 }, (_, index) => `d${index}`);
  for (let at = 0; at < 512; at += 128)
    await client.put(Object.fromEntries(names.slice(at, at + 128).map((n) => [n, fd])));
  await t.rejects(client.put({ more: fd }), { code: "ENOSPC" });
  await t.rejects(client.put({ ["x".repeat(32)]: fd }), { code: "ENOSPC" });
  await client.drop("d7");
  await t.rejects(client.put({ ["x".repeat(32)]: fd }), { code: "ENAMETOOLONG" });
  await client.put({ ["x".repeat(31)]: fd });
  closeSync(fd);
  t.equal((await client.list()).descriptors.size, 512);
  const others = await Promise.all(Array.from({ length: 7 }, () => KeeperClient.connect(sys, kept.path)));
  await t.rejects(KeeperClient.connect(sys, kept.path), { code: "EMFILE" });
  others.pop()?.close();
  await waitFor(() =>
    KeeperClient.connect(sys, kept.path).then(
      (again) => {
        again.close();
        return true;
      },
      () => false,
    ),
  );
  for (const other of others) other.close();
});

test("a watcher gets every exit that was not acknowledged; it replaces the earlier one, others stay", async (t) => {
  await using kept = await keeper();
  const helper = await KeeperClient.connect(sys, kept.path);
  const { pidFd } = await helper.spawn({ ...shell("exit 4"), name: "early", fds: [] });
  closeSync(pidFd);
  await waitFor(() => kept.exits.length === 1);
  const seen: unknown[] = [];
  const second = await KeeperClient.connect(sys, kept.path, {
    onExit: (exit) => seen.push(exit),
    onEnd: () => undefined,
  });
  t.equal(await kept.ended, "replaced");
  await waitFor(() => seen.length === 1);
  t.same(seen, kept.exits, "the same exit, with the same time");
  t.equal((await helper.list()).processes.length, 1, "a client that does not watch stays");
  second.close();
  helper.close();
});

test("it outlives its clients while it keeps something, and ends when nothing is left", async (t) => {
  await using kept = await keeper();
  const fd = openSync("/dev/null", "r");
  await kept.client.put({ something: fd });
  closeSync(fd);
  kept.client.close();
  for (const signal of [1, 2, 3, 15]) sys.kill(kept.pid, signal);
  const second = await KeeperClient.connect(sys, kept.path);
  t.equal((await second.list()).pid, kept.pid);
  await second.drop("something");
  second.close();
  t.equal(await reaped(kept.pid), 0);
});

test("shutdown ends it, whatever it keeps", async (t) => {
  await using kept = await keeper();
  const { pid, pidFd } = await kept.client.spawn({ ...shell("exec sleep 1000"), name: "s", fds: [] });
  closeSync(pidFd);
  const helper = await KeeperClient.connect(sys, kept.path);
  await helper.shutdown();
  t.equal(await kept.ended, "ended");
  t.equal(await reaped(kept.pid), 0);
  t.ok(sys.kill(pid, 0) === undefined, "its child lives on");
  sys.kill(pid, 9);
});

test("malformed messages are answered with an error and change nothing", async (t) => {
  await using kept = await keeper();
  const socket = sys.unixConnect(kept.path, SOCK_SEQPACKET | SOCK_CLOEXEC);
  const fd = openSync("/dev/null", "r");
  const ask = async (bytes: Uint8Array, fds: number[] = []) => {
    sys.sendFds(socket, bytes, fds);
    let answer: { data: Buffer } | null = null;
    await waitFor(() => {
      answer = sys.recvFds(socket, 65536, 4);
      return answer !== null;
    });
    return Number((answer as unknown as { data: Buffer }).data.readBigUInt64LE(8));
  };
  const [EPROTO, EINVAL, ENOSYS, EMSGSIZE] = [71, 22, 38, 90];
  t.equal(await ask(encode("list", {})), EPROTO);
  t.equal(await ask(encode("hello", { version: 1, watch: 0 })), 0);
  t.equal(await ask(Buffer.alloc(3)), EINVAL);
  t.equal(await ask(Buffer.alloc(16)), ENOSYS);
  t.equal(await ask(encode("put", { names: ["a", "b"] }), [fd]), EINVAL);
  const put = encode("put", { names: ["a"] });
  t.equal(await ask(put.subarray(0, put.length - 8), [fd]), EINVAL);
  t.equal(await ask(Buffer.concat([put, Buffer.alloc(65536)]), [fd]), EMSGSIZE);
  t.equal(
    await ask(
      put,
      Array.from({ length: 253 }, () => fd),
    ),
    EMSGSIZE,
  );
  t.equal(await ask(Buffer.concat([put, Buffer.alloc(64)]), [fd]), 0, "fields of a later version are ignored");
  t.same([...(await kept.client.list()).descriptors], ["a"]);
  const open = readdirSync(`/proc/${kept.pid}/fd`).length;
  t.equal(open, 3 + 2 + 2 + 1, "streams, listener and signals, two clients, one held: no other was left open");
  for (const each of [socket, fd]) closeSync(each);
});

test("private memory is small", async (t) => {
  await using kept = await keeper();
  const { pidFd } = await kept.client.spawn({ ...shell("exec sleep 1000"), name: "s", fds: [] });
  closeSync(pidFd);
  const rollup = readFileSync(`/proc/${kept.pid}/smaps_rollup`, "latin1");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(rollup)?.[1]);
  const own = kilobytes("Private_Dirty") + kilobytes("Private_Clean");
  t.ok(own <= 200, `${own} KB`);
  await kept.client.signal("s", 9);
});
