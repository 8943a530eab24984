import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, connect } from "@gantry/ipc";
import { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { MNT_DETACH, nativeSys, parseMountinfo } from "@gantry/native-sys";
import { start, type TestProcess, tempDir, waitFor } from "@gantry/testkit";

export type SupervisorClient = Client<typeof supervisorContract.methods>;

const packages = join(import.meta.dirname, "../../..");
/** Put into the environment of all that a stack starts, to find it again. */
const marker = "GANTRY_TEST_STACK";

/** A supervisor run from its source, with real shims and the real runtime, in directories of its own. */
export interface Stack extends AsyncDisposable {
  readonly root: string;
  readonly state: string;
  readonly bin: string;
  readonly client: SupervisorClient;
  readonly supervisor: TestProcess;
  /** Ids of the shims and workers of this stack. */
  helpers(): number[];
  /** Ends it with SIGKILL and starts it again. */
  restart(): Promise<void>;
}

export async function startStack(options: { standby?: number; binaries?: string } = {}): Promise<Stack> {
  const directory = tempDir("sv");
  const [root, state, bin] = [join(directory.path, "root"), join(directory.path, "state"), join(directory.path, "bin")];
  mkdirSync(bin);
  for (const name of ["supervisor", "shim", "oci-runtime"]) {
    if (options.binaries) symlinkSync(join(options.binaries, name), join(bin, name));
    else writeWrapper(bin, name);
  }
  const binaries = ["--shim", join(bin, "shim"), "--oci-runtime", join(bin, "oci-runtime")];
  const settings = ["--standby", String(options.standby ?? 1), "--log-level", "warn"];
  const args = ["--root", root, "--state", state, ...binaries, ...settings];
  const begin = () => start(join(bin, "supervisor"), args, { env: { [marker]: directory.path } });
  let supervisor = begin();
  const client = connect(supervisorContract, { endpoint: `ipc://${state}/supervisor.sock`, connectTimeoutMs: 15_000 });
  const ready = async () => {
    const ended = supervisor.ended.then(() => Promise.reject(new Error(`it ended: ${supervisor.stderr()}`)));
    await Promise.race([client.call("version", {}), ended]);
    ended.catch(() => {});
  };
  await ready();
  return {
    root,
    state,
    bin,
    client,
    get supervisor() {
      return supervisor;
    },
    helpers: () => processesOf(directory.path).filter((pid) => pid !== supervisor.pid),
    async restart() {
      // Alone: the scope's end would kill the shims with it.
      supervisor.kill("SIGKILL");
      await supervisor.ended;
      supervisor = begin();
      // The client may learn only now that its former connection is lost; what it calls after that waits for the next.
      await waitFor(() => client.call("version", {}), { timeoutMs: 15_000, what: "an answer of the new supervisor" });
    },
    async [Symbol.asyncDispose]() {
      client.close();
      supervisor.kill("SIGTERM");
      await supervisor.ended;
      process.stderr.write(supervisor.stderr());
      // Containers and shims outlive a supervisor: those that a failed test left are ended, and their mounts too.
      const runtimeRoot = join(state, "runtime");
      for (const id of existsSync(runtimeRoot) ? readdirSync(runtimeRoot) : []) {
        spawnSync(join(bin, "oci-runtime"), ["--root", runtimeRoot, "delete", "--force", id]);
      }
      for (const pid of processesOf(directory.path)) killIfThere(pid);
      await waitFor(() => processesOf(directory.path).length === 0, { what: "the end of all shims" });
      for (const path of mountsBelow(directory.path)) nativeSys().umount(path, MNT_DETACH);
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Mount points below a directory. */
export function mountsBelow(directory: string): string[] {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  return mounts.map(({ mountPoint }) => mountPoint).filter((path) => path.startsWith(`${directory}/`));
}

function writeWrapper(bin: string, name: string): void {
  const node = join(packages, "../node_modules/.bin/node");
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\nexec ${node} ${join(packages, name, "src/main.ts")} "$@"\n`);
  chmodSync(path, 0o755);
}

function processesOf(directory: string): number[] {
  const wanted = `${marker}=${directory}\0`;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(wanted);
    } catch {
      return false; // ended meanwhile
    }
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ended meanwhile
  }
}
