import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Seccomp } from "@gantry/oci-spec/runtime";
import { test } from "tap";
import { Box, cannotRun } from "./box.ts";

const skip = cannotRun() ?? false;

/** A seccomp agent at work: what it was sent, line by line. */
async function agent(box: Box): Promise<{ socket: string; next(): Promise<ProcessState> } & AsyncDisposable> {
  const [program, socket] = [join(box.directory, "listener"), join(box.directory, "listener.sock")];
  execFileSync("gcc", ["-o", program, new URL("listener.c", import.meta.url).pathname]);
  const child = spawn(program, [socket], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    socket,
    next: async () => JSON.parse((await lines.next()).value as string) as ProcessState,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      process.kill(-(child.pid ?? 0), "SIGKILL");
      await ended;
    },
  };
}

interface ProcessState {
  readonly ociVersion: string;
  readonly fds: string[];
  readonly pid: number;
  readonly metadata?: string;
  readonly state: { readonly id: string; readonly status: string; readonly pid: number; readonly bundle: string };
}

function profile(socket: string, change: Partial<Seccomp> = {}): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: socket,
    listenerMetadata: "for the agent",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY" }],
    ...change,
  };
}

for (const noNewPrivileges of [true, false])
  test(`an agent answers calls of the container (noNewPrivileges ${noNewPrivileges})`, { skip }, async (t) => {
    await using box = new Box();
    await using listener = await agent(box);
    box.configure("mkdir /tmp/x; ls /proc/self/fd; echo done", (spec) => {
      spec.process.noNewPrivileges = noNewPrivileges;
      spec.process.user = { uid: 1000, gid: 1000 };
      spec.linux.seccomp = profile(listener.socket);
    });
    const { stdout, stderr } = await box.run();
    t.match(stderr, /mkdir: .*No message of desired type/, "the agent's answer");
    t.equal(stdout, "0\n1\n2\n3\ndone\n", "3 is ls's own: the listener is not left open");
    const sent = await listener.next();
    t.match(sent, { ociVersion: "1.3.0", fds: ["seccompFd"], metadata: "for the agent" });
    t.match(sent.state, { status: "creating", pid: sent.pid, bundle: box.bundle });
  });

test("a process of exec has a listener of its own", { skip }, async (t) => {
  await using box = new Box();
  await using listener = await agent(box);
  box.configure("sleep 60", (spec) => {
    const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"];
    spec.linux.seccomp = profile(listener.socket, { flags });
  });
  await using container = await box.start();
  t.equal((await listener.next()).pid, container.pid);
  const { stderr } = await box.exec(container.id, "mkdir /tmp/x");
  t.match(stderr, /No message of desired type/);
  const sent = await listener.next();
  t.match(sent.state, { id: container.id, status: "running", pid: container.pid });
  t.not(sent.pid, container.pid);
});

test("without an agent nothing is made", { skip }, async (t) => {
  await using box = new Box();
  box.configure("true", (spec) => {
    spec.linux.seccomp = profile(join(box.directory, "nobody.sock"));
  });
  await t.rejects(box.run(), { message: /linux\.seccomp\.listenerPath: .*nobody\.sock: connect.*ENOENT/ });
  t.same(box.store.list(), []);
});
