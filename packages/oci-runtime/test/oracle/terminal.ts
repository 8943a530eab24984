import { readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { nativeSys } from "@gantry/native-sys";
import { startTerminal, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { cannotRun, Runtime, unlikeRunc } from "./runtime.ts";

const SOCK_STREAM = 1;

/** Terminals: one of the container's carried over this one, and one handed over by a console socket. */
export function terminal(program: string): void {
  const skip = cannotRun(program) ?? false;

  test("run and exec on a terminal: size, control-C, exit status", { skip: skip || unlikeRunc(program) }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure(
      "trap 'echo int' INT; tty; until stty size; do sleep 0.01; done 2>/dev/null; while read line; do echo got $line; done; exit 5",
      (config) => {
        config.process.terminal = true;
      },
    );
    const id = runtime.newId();
    const args = ["--root", runtime.root, "run", id];
    await using screen = startTerminal(program, args, { cwd: runtime.bundle, columns: 91, rows: 31 });
    await screen.expect(/\/dev\/pts\/0/, 20_000);
    await screen.expect(/31 91/);
    screen.send("hello\r");
    await screen.expect(/got hello/);
    screen.resize(77, 22);
    const size = () => runtime.cli("exec", id, "sh", "-c", "stty size < /dev/pts/0");
    await waitFor(async () => (await size()).stdout === "22 77\n", { timeoutMs: 20_000 });
    const more = ["--root", runtime.root, "exec", "--tty", id, "sh", "-c", "test -t 0 && tty; exit 9"];
    await using second = startTerminal(program, more, { cwd: runtime.bundle });
    await second.expect(/\/dev\/pts\/1/, 20_000);
    t.match(await second.ended, { code: 9 });
    screen.send("\x04");
    t.match(await screen.ended, { code: 5 });
  });

  test("a console socket receives the terminal's master", { skip }, async (t) => {
    await using runtime = new Runtime(program);
    runtime.configure("read line; echo got $line; sleep 1000", (config) => {
      config.process.terminal = true;
    });
    const id = runtime.newId();
    const refused = await runtime.cli("create", id);
    t.match(refused, { code: 1, stderr: /console socket|console-socket/ });
    const native = nativeSys();
    const path = join(runtime.directory, "console.sock");
    const listener = native.unixListen(path, SOCK_STREAM, 1);
    await runtime.runDetached(id, "--console-socket", path);
    const socket = native.accept(listener) ?? -1;
    const fds = native.recvFds(socket, 4096, 2)?.fds ?? [];
    t.equal(fds.length, 1);
    const [master = -1] = fds;
    native.setNonBlocking(master, true);
    writeSync(master, "word\r");
    let shown = "";
    await waitFor(() => {
      shown += readSome(master);
      return shown.includes("got word");
    });
    for (const fd of [...fds, socket, listener]) native.closeFd(fd);
  });
}

function readSome(fd: number): string {
  const chunk = Buffer.alloc(4096);
  try {
    return chunk.toString("utf8", 0, readSync(fd, chunk));
  } catch {
    return "";
  }
}
