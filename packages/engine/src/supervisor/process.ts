import { spawn } from "node:child_process";
import { closeSync, openSync, realpathSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, connect, isListening, type ReplyOf } from "@gantry/ipc";
import { supervisorContract } from "@gantry/ipc/contracts/supervisor";

type SupervisorVersion = ReplyOf<(typeof supervisorContract.methods)["version"]>;
type SupervisorClient = Client<typeof supervisorContract.methods>;

export interface SupervisorOptions {
  /** A running supervisor that this engine does not start; undefined: one of its own. */
  readonly endpoint: string | undefined;
  readonly binary: string;
  readonly root: string;
  readonly state: string;
  readonly shim: string;
  readonly ociRuntime: string;
  readonly standby: number | undefined;
  readonly snapshotter: string | undefined;
  readonly registryConfig: string | undefined;
  readonly logFile: string;
}

/** How long a supervisor may take from its start to its first reply. */
const START_MS = 20_000;

/** The connection to the supervisor, which is found or started. Neither process ends with the other. */
export class SupervisorLink {
  readonly endpoint: string;
  readonly #options: SupervisorOptions;
  #client: SupervisorClient | undefined;
  #closed = false;
  #failure: string | undefined;
  #readying: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.endpoint = options.endpoint ?? `ipc://${options.state}/supervisor.sock`;
  }

  /** Created at the first use, which should come after `ready`: a refused connection pauses before it is retried. */
  get client(): SupervisorClient {
    this.#client ??= connect(supervisorContract, { endpoint: this.endpoint });
    return this.#client;
  }

  /** Waits until the supervisor answers, and starts it where it is this engine's. @throws Error when it does not start */
  ready(): Promise<void> {
    this.#readying ??= this.#makeReady().finally(() => {
      this.#readying = undefined;
    });
    return this.#readying;
  }

  async #makeReady(): Promise<void> {
    if (this.#closed) throw new Error("the connection to the supervisor is closed");
    this.#failure = undefined;
    let found = await probeSupervisor(this.endpoint);
    // A supervisor that listens exists, however slowly it answers: a second one beside it would fail.
    if (!found && !(await isListening(this.endpoint))) {
      if (this.#options.endpoint !== undefined) throw new Error(`no supervisor answers at ${this.endpoint}`);
      this.#start();
    }
    const end = Date.now() + START_MS;
    while (!found) {
      if (this.#failure) throw new Error(`cannot start ${this.#options.binary}: ${this.#failure}`);
      if (Date.now() > end) {
        throw new Error(`the supervisor did not answer at ${this.endpoint}: its log is ${this.#options.logFile}`);
      }
      await delay(5);
      found = await probeSupervisor(this.endpoint);
    }
    this.#requireOurs(found);
  }

  /** Refuses the supervisor of an engine with another root: its containers are unknown here and would be removed. */
  #requireOurs({ root, pid }: SupervisorVersion): void {
    const { endpoint, root: own } = this.#options;
    if (endpoint !== undefined || isSameDirectory(root, own)) return;
    throw new Error(
      `the supervisor at ${this.endpoint} (process ${pid}) keeps ${root}, not ${own}: use its engine's --root, or another --state`,
    );
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
  }

  #start(): void {
    const { binary, root, state, shim, ociRuntime, standby, snapshotter, registryConfig, logFile } = this.#options;
    this.#failure = undefined;
    const output = openSync(logFile, "a", 0o640);
    const args = ["--root", root, "--state", state, "--shim", shim, "--oci-runtime", ociRuntime];
    if (standby !== undefined) args.push("--standby", String(standby));
    if (snapshotter !== undefined) args.push("--snapshotter", snapshotter);
    if (registryConfig !== undefined) args.push("--registry-config", registryConfig);
    const child = spawn(binary, args, { stdio: ["ignore", output, output], detached: true });
    closeSync(output);
    child.once("error", (error) => {
      this.#failure = error.message;
    });
    child.once("exit", (code, signal) => {
      if (code) this.#failure = `it ended with status ${code}: its log is ${logFile}`;
      else if (signal) this.#failure = `it was ended by ${signal}`;
    });
    child.unref();
  }
}

/** Calls over a connection of its own, which fails at once where no process listens. */
async function probeSupervisor(endpoint: string): Promise<SupervisorVersion | undefined> {
  const probe = connect(supervisorContract, { endpoint, connectTimeoutMs: 0 });
  try {
    return await probe.call("version", {}, { timeoutMs: 5000 });
  } catch {
    return undefined;
  } finally {
    probe.close();
  }
}

function isSameDirectory(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false; // one of them does not exist
  }
}
