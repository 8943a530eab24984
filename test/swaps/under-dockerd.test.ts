import { busyboxArchive, type RunResult, requires, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { binary, peerHost } from "../support/stack.ts";

/** Debian's dockerd with our oci-runtime as a further runtime of its own; gone at the end of the scope. */
async function dockerd(): Promise<{ docker: (command: string) => Promise<RunResult> } & AsyncDisposable> {
  const host = await peerHost("dockerd");
  const { directory, sh } = host;
  const socket = `unix://${directory}/d.sock`;
  const places = ["-H", socket, "--data-root", `${directory}/root`, "--exec-root", `${directory}/exec`];
  const runtime = ["--pidfile", `${directory}/pid`, "--add-runtime", `gantry=${binary("oci-runtime")}`];
  host.startProcess("dockerd", [...places, ...runtime]);
  const docker = (command: string) => sh(`/usr/bin/docker -H ${socket} ${command}`);
  await waitFor(async () => (await docker("version")).code === 0, { timeoutMs: 30_000, what: "dockerd" });
  const loaded = await docker(`load -q -i ${await busyboxArchive(directory)}`);
  if (loaded.code !== 0) throw new Error(loaded.stderr);
  return { docker, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

const run = "run --runtime gantry";

test("dockerd --add-runtime: exit statuses, terminals, exec", async (t) => {
  if (!requires(t, "tool:dockerd", "tool:containerd", "tool:script")) return;
  await using peer = await dockerd();
  const { docker } = peer;
  t.equal((await docker(`${run} --rm busybox sh -c 'exit 3'`)).code, 3);
  t.equal((await docker(`${run} --rm busybox nowhere`)).code, 127);
  t.equal((await docker(`${run} --rm busybox /etc`)).code, 126);
  t.match((await docker(`${run} --rm -t busybox tty`)).stdout, /^\/dev\/pts\/0/);
  t.equal((await docker(`${run} -d --name box busybox sleep 1000`)).code, 0);
  t.match((await docker("inspect -f '{{.HostConfig.Runtime}}' box")).stdout, /^gantry$/m);
  t.equal((await docker("exec box sh -c 'exit 7'")).code, 7);
  t.equal((await docker("exec box nowhere")).code, 126, "as with runc: dockerd 20.10 does not tell these apart");
  t.match((await docker("exec -t box tty")).stdout, /^\/dev\/pts\/0/);
  t.equal(
    (await docker("exec -u 5:6 -w /tmp -e A=b box sh -c 'echo $(id -u):$(id -g) $PWD $A'")).stdout,
    "5:6 /tmp b\n",
  );
  t.match((await docker("top box")).stdout, /sleep 1000/);
  t.equal((await docker("rm -f box")).code, 0);
});

test("dockerd --add-runtime: stats, update, pause, kill, restart policy", async (t) => {
  if (!requires(t, "tool:dockerd", "tool:containerd")) return;
  await using peer = await dockerd();
  const { docker } = peer;
  t.equal((await docker(`${run} -d --name box -m 64m --memory-swap 64m busybox sleep 1000`)).code, 0);
  t.match((await docker("stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' box")).stdout, /^1 .* \/ 64MiB$/m);
  const updated = await docker("update -m 32m --memory-swap 32m --pids-limit 20 box");
  t.equal(updated.code, 0, updated.stderr);
  t.match((await docker("stats --no-stream --format '{{.MemUsage}}' box")).stdout, / \/ 32MiB$/m);
  t.equal((await docker("pause box")).code, 0);
  t.match((await docker("inspect -f '{{.State.Status}}' box")).stdout, /^paused$/m);
  t.match((await docker("exec box true")).stderr, /paused/);
  t.equal((await docker("unpause box")).code, 0);
  t.equal((await docker("kill box")).code, 0);
  t.equal((await docker("wait box")).stdout, "137\n");
  t.equal((await docker("rm box")).code, 0);
  t.equal((await docker(`${run} -d --name again --restart on-failure:2 busybox sh -c 'echo life; exit 4'`)).code, 0);
  const count = async () => (await docker("inspect -f '{{.RestartCount}} {{.State.Status}}' again")).stdout.trim();
  await waitFor(async () => (await count()) === "2 exited", { timeoutMs: 30_000, what: "two restarts" });
  t.equal((await docker("logs again")).stdout, "life\nlife\nlife\n");
  t.equal((await docker("stop -t 0 again; true")).code, 0);
  t.equal((await docker("rm again")).code, 0);
});
