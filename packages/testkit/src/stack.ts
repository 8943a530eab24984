import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { checkLeaks, type LeakScope, type LeakSnapshot, snapshot } from "./leaks.ts";
import { makeNamespaces, type Namespaces } from "./namespaces.ts";
import { makeOutside, type Outside } from "./outside.ts";
import { distBin } from "./paths.ts";
import { type RunOptions, type RunResult, start, type TestProcess, waitFor } from "./resource.ts";
import { leftAfterShutdown, removeContainers, removeTraces } from "./stack-end.ts";
import { startTerminal, type Terminal, type TerminalOptions } from "./terminal.ts";

export interface StackOptions {
  /** Further flags of the engine. */
  readonly engineArgs?: readonly string[];
  /** Added to the environment of the engine and its children. */
  readonly env?: Readonly<Record<string, string>>;
  /** Also make an outside: network namespace with a way to the stack, for clients of published ports. */
  readonly outside?: boolean;
  /** Directory of the binaries; dist/bin where absent. */
  readonly bin?: string;
  /** The test: when it has failed, the engine's log is shown at the end. */
  readonly t?: { passing(): boolean };
  /** Time limits for removed objects to vanish, and for the stack to shut down; 5 s each where absent. */
  readonly patienceMs?: number;
  /** Run without the check for leftovers, for a test that breaks it on purpose. */
  readonly allowLeaks?: boolean;
}

export interface ClientOptions extends RunOptions {
  /** Run the client on a terminal; its screen output comes as stdout. */
  readonly tty?: boolean;
}

/** An engine of its own: state, network, mounts and cgroup are all its own, and all go with it. */
export interface Stack extends AsyncDisposable {
  readonly root: string;
  readonly state: string;
  readonly cgroupParent: string;
  readonly scope: LeakScope;
  readonly namespaces: Namespaces;
  /** ipc://… of the engine, as GANTRY_HOST takes it. */
  readonly host: string;
  /** Where the option `outside` was given; throws elsewhere. */
  outside(): Outside;
  /** The engine's process now. */
  engine(): TestProcess;
  /** Runs the client to its end. */
  client(args: readonly string[], options?: ClientOptions): Promise<RunResult>;
  /** Runs the client and gives its output; throws with its error output when it fails. */
  ok(args: readonly string[], options?: ClientOptions): Promise<string>;
  /** Starts the client on a terminal to be driven. */
  terminal(args: readonly string[], options?: TerminalOptions): Terminal;
  /** Starts the client and leaves it running. */
  start(args: readonly string[]): TestProcess;
  /** Runs a shell's command line in the stack's namespaces. */
  sh(command: string, options?: RunOptions): Promise<RunResult>;
  /** Output of all engines of this stack. */
  engineLog(): string;
  /** Ends the engine with a signal, and starts it again on the same state. */
  restartEngine(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts the built engine on empty state and waits until it answers.
 * At the end of the scope every container is removed and the stack is shut down; anything left behind is an error.
 * @throws Error with the engine's log when it does not start
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const id = randomBytes(4).toString("hex");
  const base = mkdtempSync(join(tmpdir(), "gantry-")); // short: socket paths below it are limited to 107 bytes
  const namespaces = await makeNamespaces();
  const scope = { marker: id, paths: [base], cgroupParent: `gantry-test-${id}`, namespacePid: namespaces.pid };
  const stack = new OwnStack(base, namespaces, scope, options);
  try {
    await stack.begin();
    return stack;
  } catch (cause) {
    const log = stack.engineLog();
    await stack.abandon();
    throw new Error(`the engine did not start; its log:\n${log}`, { cause });
  }
}

class OwnStack implements Stack {
  readonly root: string;
  readonly state: string;
  readonly cgroupParent: string;
  readonly scope: LeakScope;
  readonly namespaces: Namespaces;
  readonly host: string;
  readonly #base: string;
  readonly #bin: string;
  readonly #logPath: string;
  readonly #options: StackOptions;
  readonly #patienceMs: number;
  #engine: TestProcess | undefined;
  #outside: Outside | undefined;
  #baseline: LeakSnapshot | undefined;

  constructor(base: string, namespaces: Namespaces, scope: LeakScope, options: StackOptions) {
    this.#base = base;
    this.#bin = options.bin ?? distBin;
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? 5000;
    this.#logPath = join(base, "engine.log");
    this.root = join(base, "root");
    this.state = join(base, "state");
    this.namespaces = namespaces;
    this.scope = scope;
    this.cgroupParent = scope.cgroupParent;
    this.host = `ipc://${this.state}/engine.sock`;
  }

  async begin(): Promise<void> {
    if (this.#options.outside) this.#outside = await makeOutside(this.namespaces);
    await this.#startEngine();
    this.#baseline = await snapshot(this.scope);
  }

  engine(): TestProcess {
    if (!this.#engine) throw new Error("the engine has not been started");
    return this.#engine;
  }

  outside(): Outside {
    if (!this.#outside) throw new Error("startStack was not asked for an outside");
    return this.#outside;
  }

  async client(args: readonly string[], options: ClientOptions = {}): Promise<RunResult> {
    const { tty, ...rest } = options;
    if (!tty) return this.namespaces.run(join(this.#bin, "client"), args, { ...rest, env: this.#clientEnv(rest.env) });
    await using terminal = this.terminal(args, rest.env ? { env: rest.env } : {});
    if (rest.stdin !== undefined) terminal.send(String(rest.stdin));
    const { code } = await terminal.ended;
    return { code, stdout: terminal.output(), stderr: "" };
  }

  async ok(args: readonly string[], options: ClientOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.client(args, options);
    if (code !== 0) throw new Error(`client ${args.join(" ")}: exit status ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  terminal(args: readonly string[], options: TerminalOptions = {}): Terminal {
    const command = this.namespaces.enter(join(this.#bin, "client"), args);
    return startTerminal(...command, { ...options, env: this.#clientEnv(options.env) });
  }

  start(args: readonly string[]): TestProcess {
    return start(...this.namespaces.enter(join(this.#bin, "client"), args), { env: this.#clientEnv() });
  }

  sh(command: string, options: RunOptions = {}): Promise<RunResult> {
    return this.namespaces.sh(command, { ...options, env: this.#clientEnv(options.env) });
  }

  engineLog(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, "utf8") : "";
  }

  async restartEngine(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.engine().kill(signal);
    await this.engine().ended;
    await this.#startEngine();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leaks = await this.#end().catch((error: Error) => [error.message]);
    const failed = this.#options.t?.passing() === false;
    const log = this.engineLog();
    await this.abandon();
    const wrong = leaks.length > 0 && !this.#options.allowLeaks;
    if (failed || wrong) process.stderr.write(`--- engine log of ${this.cgroupParent}\n${log}---\n`);
    if (wrong) throw new Error(`the stack left something behind:\n${leaks.join("\n")}`);
  }

  /** Removes all by force; the end of a stack that is already known to be broken, and the last step of every other. */
  async abandon(): Promise<void> {
    await removeTraces(this.scope);
    await this.#engine?.[Symbol.asyncDispose]();
    await this.#outside?.[Symbol.asyncDispose]();
    await this.namespaces[Symbol.asyncDispose]();
    rmSync(this.#base, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Shuts the stack down as a user would, and reports leftovers. */
  async #end(): Promise<string[]> {
    const engine = this.#engine;
    if (!engine || engine.child.exitCode !== null || engine.child.signalCode !== null) {
      return this.#options.allowLeaks ? [] : ["the engine had ended before the test did"];
    }
    await removeContainers(this);
    const running = await this.#leaksWhileRunning();
    engine.kill("SIGTERM");
    await Promise.race([engine.ended, delay(this.#patienceMs, undefined, { ref: false })]);
    return [...running, ...(await leftAfterShutdown(this.scope, this.#patienceMs))];
  }

  /** Without containers the state equals the one at the start; processes and cgroups are judged after the shutdown. */
  async #leaksWhileRunning(): Promise<string[]> {
    let leaks: string[] = [];
    const clean = async () => {
      const { mounts, interfaces, rules } = await snapshot(this.scope);
      leaks = checkLeaks(this.#baseline ?? {}, { mounts, interfaces, rules });
      return leaks.length === 0;
    };
    await waitFor(clean, { timeoutMs: this.#patienceMs, intervalMs: 50 }).catch(() => {});
    return leaks;
  }

  async #startEngine(): Promise<void> {
    const places = ["--root", this.root, "--state", this.state, "--cgroup-parent", this.cgroupParent];
    const args = [...places, ...(this.#options.engineArgs ?? [])];
    const log = openSync(this.#logPath, "a");
    const env = { ...this.#options.env, GANTRY_TEST_ID: this.scope.marker };
    const command = this.namespaces.enter(join(this.#bin, "engine"), args);
    this.#engine = start(...command, { env, stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    const engine = this.#engine;
    await waitFor(
      async () => {
        if (engine.child.exitCode !== null || engine.child.signalCode !== null) return "ended";
        return existsSync(join(this.state, "engine.sock")) && (await this.client(["version"])).code === 0;
      },
      { timeoutMs: 20_000, intervalMs: 10, what: "the engine answers" },
    );
    if (engine.child.exitCode !== null) throw new Error(`engine exited with ${engine.child.exitCode}`);
  }

  #clientEnv(env: ClientOptions["env"] = {}): Record<string, string | undefined> {
    return { GANTRY_HOST: this.host, ...env };
  }
}
