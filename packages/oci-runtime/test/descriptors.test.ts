import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { distBin } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, Runtime } from "./oracle/runtime.ts";

const program = join(distBin, "oci-runtime");
const skip = cannotRun(program) ?? false;
const SOCK_STREAM = 1;

test("--pidfd-socket receives a descriptor of the process, by create and by exec", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure("sleep 1000");
  const native = nativeSys();
  const path = join(runtime.directory, "pidfd.sock");
  const listener = native.unixListen(path, SOCK_STREAM, 1);
  const received = () => {
    const socket = native.accept(listener) ?? -1;
    const { data, fds } = native.recvFds(socket, 64, 2) ?? { data: Buffer.alloc(0), fds: [] };
    native.closeFd(socket);
    const [fd = -1] = fds;
    const pid = Number(/^Pid:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]);
    native.closeFd(fd);
    return { word: data.toString(), count: fds.length, pid };
  };
  const id = await runtime.runDetached(runtime.newId(), "--pidfd-socket", path);
  t.same(received(), { word: "standard", count: 1, pid: (await runtime.state(id)).pid });
  const pidFile = join(runtime.directory, "pid");
  await runtime.sh(
    `r exec -d --pidfd-socket ${path} --pid-file ${pidFile} ${id} sleep 1001 >/dev/null 2>&1 </dev/null`,
  );
  t.same(received(), { word: "setns", count: 1, pid: Number(readFileSync(pidFile, "utf8")) });
  native.closeFd(listener);
  const other = runtime.newId();
  const refused = await runtime.sh(`r create --pidfd-socket /nowhere ${other} </dev/null 2>err; cat err`);
  t.match(refused.stdout, /--pidfd-socket \/nowhere/);
  t.match(await runtime.cli("state", other), { code: 1 }, "nothing is left");
});

test("sockets that were opened for the runtime reach the program", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure("echo $LISTEN_FDS $LISTEN_PID; cat <&3");
  const command = `${program} --root ${runtime.root} run ${runtime.newId()}`;
  const script = (pid: string) => `echo given > given; exec env LISTEN_FDS=1 LISTEN_PID=${pid} ${command} 3<given`;
  t.equal((await runtime.sh(`sh -c '${script("$$")}'`)).stdout, "1 1\ngiven\n");
  t.match((await runtime.sh(`sh -c '${script("1")}'`)).stdout, /^\n/, "those of another process do not");
});

test("exec into a cgroup below, and into a paused container", { skip }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure("sleep 1000");
  const id = await runtime.runDetached();
  t.equal((await runtime.cli("pause", id)).code, 0);
  const late = runtime.start(["exec", "--ignore-paused", id, "echo", "late"], { stdio: ["ignore", "pipe", "pipe"] });
  t.equal(late.stdout(), "");
  t.equal((await runtime.cli("resume", id)).code, 0);
  t.match(await late.ended, { code: 0 });
  t.equal(late.stdout(), "late\n");
  t.match(await runtime.cli("exec", "--cgroup", "../..", id, "true"), { code: 255, stderr: /cgroup/ });
  t.match(await runtime.cli("exec", "--cgroup", "a:b:c", id, "true"), { code: 255, stderr: /\[CONTROLLER:\]CGROUP/ });
  t.match(await runtime.cli("update", "--l3-cache-schema", "L3:0=f", id), { code: 1, stderr: /resctrl|RDT/ });
});
