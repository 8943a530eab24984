import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsProgram, nodeProgram } from "./js-programs.ts";
import type { LeakScope } from "./leaks.ts";
import { makeNamespaces, type Namespaces } from "./namespaces.ts";
import { distBin, workTree } from "./paths.ts";
import { type RunOptions, type RunResult, start, type TestProcess, waitFor } from "./resource.ts";
import { leftAfterShutdown, removeTraces } from "./stack-end.ts";
import { startTerminal, type Terminal, type TerminalOptions } from "./terminal.ts";

export interface SupervisorStackOptions {
  /** Run the programs from their sources, not the built ones. */
  readonly fromSource?: boolean;
  /** The test: when it has failed, the supervisor's log is shown at the end. */
  readonly t?: { passing(): boolean };
  readonly args?: readonly string[];
}

/** A supervisor of its own with its `ctr`: state, network, mounts and cgroups are all its own, and all go with it. */
export interface SupervisorStack extends AsyncDisposable {
  /** For files of the test. */
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  /** The namespace that ctr works in by default: containers' cgroups are below one of this name. */
  readonly namespace: string;
  readonly scope: LeakScope;
  readonly namespaces: Namespaces;
  readonly bin: string;
  /** Runs ctr to its end. */
  ctr(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Runs ctr and gives its output; throws with its error output when it fails. */
  ok(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Starts ctr on a terminal to be driven. */
  terminal(args: readonly string[], options?: TerminalOptions): Terminal;
  /** Starts ctr and leaves it running. */
  start(args: readonly string[]): TestProcess;
}

const programs = ["ctr", "supervisor", "shim", "oci-runtime"];
const patienceMs = 15_000;

/** Starts a supervisor on empty state and waits until it answers. Leftovers at the end are an error. */
export async function startSupervisor(options: SupervisorStackOptions = {}): Promise<SupervisorStack> {
  const id = randomBytes(4).toString("hex");
  const directory = mkdtempSync(join(tmpdir(), "gantry-")); // short: socket paths below it are limited to 107 bytes
  const bin = options.fromSource ? sourcePrograms(join(directory, "bin")) : distBin;
  const namespaces = await makeNamespaces();
  const namespace = `gantry-test-${id}`;
  const scope = { marker: id, paths: [directory], cgroupParent: namespace, namespacePid: namespaces.pid };
  const stack = new OwnSupervisor({ directory, bin, namespaces, scope }, options);
  try {
    await stack.begin();
    return stack;
  } catch (cause) {
    const log = stack.log();
    await stack.abandon();
    throw new Error(`the supervisor did not start; its log:\n${log}`, { cause });
  }
}

interface Parts {
  readonly directory: string;
  readonly bin: string;
  readonly namespaces: Namespaces;
  readonly scope: LeakScope;
}

class OwnSupervisor implements SupervisorStack {
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly namespace: string;
  readonly scope: LeakScope;
  readonly namespaces: Namespaces;
  readonly bin: string;
  readonly #options: SupervisorStackOptions;
  #supervisor: TestProcess | undefined;

  constructor({ directory, bin, namespaces, scope }: Parts, options: SupervisorStackOptions) {
    this.directory = directory;
    this.bin = bin;
    this.namespaces = namespaces;
    this.scope = scope;
    this.namespace = scope.cgroupParent;
    this.root = join(directory, "root");
    this.state = join(directory, "state");
    this.#options = options;
  }

  async begin(): Promise<void> {
    const helpers = ["--shim", join(this.bin, "shim"), "--oci-runtime", join(this.bin, "oci-runtime")];
    const args = ["--root", this.root, "--state", this.state, ...helpers, ...(this.#options.args ?? [])];
    const log = openSync(this.#logPath, "a");
    const command = this.namespaces.enter(join(this.bin, "supervisor"), args);
    const env = { GANTRY_TEST_ID: this.scope.marker };
    const supervisor = start(...command, { env, stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    this.#supervisor = supervisor;
    const hasEnded = () => supervisor.child.exitCode !== null || supervisor.child.signalCode !== null;
    const answers = async () => hasEnded() || (await this.ctr(["--connect-timeout", "10s", "version"])).code === 0;
    await waitFor(answers, { timeoutMs: 30_000, what: "the supervisor answers" });
    if (hasEnded()) throw new Error("the supervisor has ended");
  }

  ctr(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.namespaces.run(join(this.bin, "ctr"), args, { ...options, env: this.#env(options.env) });
  }

  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.ctr(args, options);
    if (code !== 0) throw new Error(`ctr ${args.join(" ")}: exit status ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  terminal(args: readonly string[], options: TerminalOptions = {}): Terminal {
    const command = this.namespaces.enter(join(this.bin, "ctr"), args);
    return startTerminal(...command, { ...options, env: this.#env(options.env) });
  }

  start(args: readonly string[]): TestProcess {
    return start(...this.namespaces.enter(join(this.bin, "ctr"), args), { env: this.#env() });
  }

  log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, "utf8") : "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = await this.#end().catch((error: Error) => [error.message]);
    const log = this.log();
    await this.abandon();
    if (left.length > 0 || this.#options.t?.passing() === false)
      process.stderr.write(`--- supervisor's log\n${log}---\n`);
    if (left.length > 0) throw new Error(`the supervisor left something behind:\n${left.join("\n")}`);
  }

  /** Removes all by force. */
  async abandon(): Promise<void> {
    await removeTraces(this.scope);
    await this.#supervisor?.[Symbol.asyncDispose]();
    await this.namespaces[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async #end(): Promise<string[]> {
    for (const namespace of await this.#lines(["namespaces", "ls", "-q"])) {
      const within = ["-n", namespace];
      const tasks = await this.#lines([...within, "tasks", "ls", "-q"]);
      if (tasks.length > 0) await this.ctr([...within, "tasks", "rm", "-f", ...tasks]);
      const containers = await this.#lines([...within, "containers", "ls", "-q"]);
      if (containers.length > 0) await this.ok([...within, "containers", "rm", ...containers]);
    }
    this.#supervisor?.kill("SIGTERM");
    return await leftAfterShutdown(this.scope, patienceMs);
  }

  async #lines(args: readonly string[]): Promise<string[]> {
    return (await this.ok(args)).split("\n").filter((line) => line !== "");
  }

  get #logPath(): string {
    return join(this.directory, "supervisor.log");
  }

  #env(env: RunOptions["env"] = {}) {
    return { GANTRY_SUPERVISOR: join(this.state, "supervisor.sock"), CONTAINERD_NAMESPACE: this.namespace, ...env };
  }
}

/** Commands of the programs' names that run them from their sources: ctr under the JS runtime under test. */
function sourcePrograms(directory: string): string {
  mkdirSync(directory);
  for (const name of programs) {
    const path = join(directory, name);
    const program = name === "ctr" ? jsProgram : nodeProgram;
    writeFileSync(path, `#!/bin/sh\nexec ${program} -- ${join(workTree, "packages", name, "src/main.ts")} "$@"\n`);
    chmodSync(path, 0o755);
  }
  return directory;
}
