import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  busyboxArchive,
  type ClientOptions,
  distBin,
  type Stack as KitStack,
  makeNamespaces,
  type Namespaces,
  processesOf,
  type RunOptions,
  type RunResult,
  start,
  startStack as startKitStack,
  type TestProcess,
  tempDir,
  waitFor,
} from "@gantry/testkit";

/** The test kit's stack with what the whole-stack tests need beside it: an image, a directory, registries, murder. */
export interface Stack extends KitStack {
  /** For the test's own files; goes with the stack. */
  readonly directory: string;
  /** Sends a signal to the client once its output matches. */
  signalled(args: readonly string[], output: RegExp, signal: NodeJS.Signals): Promise<RunResult>;
  /** Starts a program inside the stack's namespaces; it ends with the stack. */
  startProcess(command: string, args: readonly string[]): TestProcess;
  /** kill -9, and waits until it is gone. */
  killEngine(): Promise<void>;
  killSupervisor(): Promise<void>;
  /** Starts the engine again after killEngine. */
  reviveEngine(): Promise<void>;
  /** The process id of the shim of a container, by its first process. */
  shimOf(name: string): Promise<number>;
  /** The parent of a container's first process. */
  keeperOf(name: string): Promise<number>;
}

export interface WholeStackOptions {
  /** Loads a busybox image first. */
  readonly busybox?: boolean;
  readonly engineFlags?: readonly string[];
  readonly allowLeaks?: boolean;
}

/** A stack of its own for one test, to be held with `await using`. */
export async function startStack(options: WholeStackOptions = { busybox: true }): Promise<Stack> {
  const directory = tempDir("files");
  const kit = await startKitStack({
    engineArgs: options.engineFlags ?? [],
    ...(options.allowLeaks === undefined ? {} : { allowLeaks: options.allowLeaks }),
  });
  const processes: TestProcess[] = [];
  const keeperOf = async (name: string) => parentOf(Number(await kit.ok(["inspect", "-f", "{{.State.Pid}}", name])));
  const stack: Stack = {
    ...kit,
    // The class's methods are not copied by the spread, and must see their own object.
    client: (args: readonly string[], given?: ClientOptions) => kit.client(args, given),
    ok: (args: readonly string[], given?: ClientOptions) => kit.ok(args, given),
    sh: (command: string, given?: RunOptions) => kit.sh(command, given),
    terminal: kit.terminal.bind(kit),
    start: kit.start.bind(kit),
    engine: kit.engine.bind(kit),
    engineLog: kit.engineLog.bind(kit),
    restartEngine: kit.restartEngine.bind(kit),
    directory: directory.path,
    signalled: (args: readonly string[], output: RegExp, signal: NodeJS.Signals) =>
      signalled(kit.start(args), output, signal),
    startProcess: (command: string, args: readonly string[]) => {
      const process = start(...kit.namespaces.enter(command, args));
      processes.push(process);
      return process;
    },
    killEngine: async () => {
      kit.engine().kill("SIGKILL");
      await kit.engine().ended;
    },
    killSupervisor: () => killAndWait(supervisorOf(kit)),
    reviveEngine: () => kit.restartEngine(),
    shimOf: async (name: string) => parentOf(await keeperOf(name)),
    keeperOf,
    [Symbol.asyncDispose]: async () => {
      try {
        for (const process of processes) await process[Symbol.asyncDispose]();
        await kit[Symbol.asyncDispose]();
      } finally {
        await directory[Symbol.asyncDispose]();
      }
    },
  };
  if (options.busybox ?? true) await stack.ok(["load", "-q", "-i", await busyboxArchive(directory.path)]);
  return stack;
}

/** A machine for a peer: a directory, a network and mounts of its own. */
export interface Host extends AsyncDisposable {
  readonly directory: string;
  readonly namespaces: Namespaces;
  sh(command: string, options?: RunOptions): Promise<RunResult>;
  startProcess(command: string, args: readonly string[]): TestProcess;
}

export async function peerHost(label: string): Promise<Host> {
  const directory = tempDir(label);
  const namespaces = await makeNamespaces();
  const processes: TestProcess[] = [];
  return {
    directory: directory.path,
    namespaces,
    sh: (command, options) => namespaces.sh(command, { env: { TMPDIR: directory.path }, ...options }),
    startProcess: (command, args) => {
      const process = start(...namespaces.enter(command, args), { env: { TMPDIR: directory.path } });
      processes.push(process);
      return process;
    },
    [Symbol.asyncDispose]: async () => {
      for (const process of processes.reverse()) {
        process.kill("SIGTERM");
        await Promise.race([process.ended, new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
        await process[Symbol.asyncDispose]();
      }
      await namespaces[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** True while a process is there and has not become a zombie. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** kill -9 of a process that the test's stack started. */
export async function killAndWait(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await waitFor(() => !isAlive(pid), { what: `the end of ${pid}` });
}

export function binary(name: string): string {
  return join(distBin, name);
}

async function signalled(client: TestProcess, output: RegExp, signal: NodeJS.Signals): Promise<RunResult> {
  await using process = client;
  await waitFor(() => output.test(process.stdout()), { timeoutMs: 10_000, what: `${output} in the output` });
  process.kill(signal);
  const { code } = await process.ended;
  return { code, stdout: process.stdout(), stderr: process.stderr() };
}

function supervisorOf(stack: KitStack): number {
  const found = processesOf(stack.scope).find(({ commandLine }) => /^\S*\/supervisor\s/.test(commandLine));
  if (!found) throw new Error("the stack has no supervisor");
  return found.pid;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
