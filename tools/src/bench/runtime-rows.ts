import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect } from "@gantry/ipc";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";
import { nativeSys, P_PID, POLLIN, PR_SET_CHILD_SUBREAPER, WEXITED } from "@gantry/native-sys";
import { distBin, run } from "@gantry/testkit";
import { type Command, pairedPeaks, pairedRuns, pairedTimes, soloTimes, wallTime } from "./measure.ts";
import type { Measurement } from "./rows.ts";
import { inside, type Setting } from "./setting.ts";

const runc = "/usr/sbin/runc";
const runs = 15;

/** A shell line for an OCI runtime, in namespaces of its own; `$rt` is the runtime with its --root, `$b` the bundle. */
async function runtimeCommand(setting: Setting, path: string, script: string): Promise<Command> {
  const host = await setting.host();
  const bundle = await setting.bundle();
  const root = `${host.directory}/rt-${path.split("/").pop()}`;
  return inside(host.namespaces.pid, ["sh", "-c", script.replaceAll("$rt", `${path} --root ${root}`)], { b: bundle });
}

/** A shell line by our runtime's command line against the same line by another. */
function againstRuntime(name: string, peerName: string, peerPath: string, script: string): Measurement {
  return {
    name,
    run: async (setting) => {
      const ours = await runtimeCommand(setting, join(distBin, "oci-runtime"), script);
      const peer = await runtimeCommand(setting, peerPath, script);
      const probe = await run(peer.argv[0], peer.argv.slice(1), peer.env ? { env: peer.env } : {});
      if (probe.code === 0) return { name, unit: "ms", peerName, ...(await pairedTimes(ours, peer, runs)) };
      const message = (probe.stderr || probe.stdout).trim().split("\n").pop() ?? "";
      const note = `${peerName} does not run here: ${message}`;
      return { name, unit: "ms", ours: await soloTimes(ours, runs), peerName, note };
    },
  };
}

const oneRun = "exec $rt run -b $b bench-$$";
const oneLife = "$rt create -b $b bench-$$ && $rt start bench-$$ && $rt delete --force bench-$$";

/** The largest resident set of one `run` against an empty Node program's. */
const peakRow: Measurement = {
  name: "runtime-peak",
  run: async (setting) => {
    const ours = await runtimeCommand(setting, join(distBin, "oci-runtime"), oneRun);
    const node: Command = { argv: [process.execPath, "-e", "0"] };
    return { name: "runtime-peak", unit: "MB", peerName: "node -e 0", ...(await pairedPeaks(ours, node, 5)) };
  },
};

/** A container's life by messages to a worker against a `run` by runc. */
const workerRow: Measurement = {
  name: "runtime-worker",
  run: async (setting) => {
    const peer = await runtimeCommand(setting, runc, oneRun);
    await using worker = await startWorker(setting);
    const result = await pairedRuns(
      () => worker.life(),
      () => wallTime(peer),
      runs,
    );
    return { name: "runtime-worker", unit: "ms", peerName: "runc run", ...result };
  },
};

interface Worker extends AsyncDisposable {
  /** Milliseconds from the request to create a container until it has run and is gone. */
  life(): Promise<number>;
}

async function startWorker(setting: Setting): Promise<Worker> {
  const host = await setting.host();
  const bundle = await setting.bundle();
  // Containers are the worker's parent's children, which waits for them.
  nativeSys().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  chmodSync(host.directory, 0o700);
  const endpoint = `ipc://${host.directory}/worker.sock`;
  const { argv, env } = inside(host.namespaces.pid, [join(distBin, "oci-runtime"), "worker", "--address", endpoint]);
  const child: ChildProcess = spawn(argv[0], argv.slice(1), {
    stdio: ["pipe", "pipe", "inherit"],
    ...(env ? { env } : {}),
  });
  const ended = once(child, "exit");
  if (child.stdout) await once(child.stdout, "data");
  const client = connect(runtimeContract, { endpoint });
  let count = 0;
  return {
    life: () => lifeByMessages(client, { root: `${host.directory}/rt-worker`, id: `bench-${count++}`, bundle }),
    [Symbol.asyncDispose]: async () => {
      client.close();
      child.stdin?.end();
      await ended;
    },
  };
}

async function lifeByMessages(
  client: Client<typeof runtimeContract.methods>,
  { root, id, bundle }: { root: string; id: string; bundle: string },
): Promise<number> {
  const started = performance.now();
  const { pid } = await client.call("create", { root, id, bundle, streams: {} });
  const ended = exitOf(pid);
  await client.call("start", { root, id });
  await ended;
  await client.call("delete", { root, id });
  return performance.now() - started;
}

/** Waits for a child that this process did not start itself. */
async function exitOf(pid: number): Promise<void> {
  const native = nativeSys();
  const pidFd = native.pidfdOpen(pid);
  await new Promise<void>((resolve) => {
    const watch = native.watchFd(pidFd, POLLIN, () => {
      watch.close();
      resolve();
    });
  });
  native.waitid(P_PID, pid, WEXITED);
  native.closeFd(pidFd);
}

export const runtimeRows: readonly Measurement[] = [
  againstRuntime("runtime-run", "runc", runc, oneRun),
  againstRuntime("runtime-run-crun", "crun", "/usr/bin/crun", oneRun),
  againstRuntime("runtime-life", "runc", runc, oneLife),
  workerRow,
  peakRow,
];
