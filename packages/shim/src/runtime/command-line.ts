import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RpcError } from "@gantry/ipc";
import type { CheckpointOptions, Runtime } from "@gantry/ipc/contracts/common";
import { checkpointDeadlines, deadlines } from "@gantry/ipc/contracts/deadlines";
import { SIGNALS } from "@gantry/native-sys";
import type { Kept } from "../process/kept.ts";
import { lastLoggedError, malformedAnswer, runtimeError } from "./errors.ts";
import type { Document, OciRuntime, RuntimeStreams } from "./runtime.ts";

interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Milliseconds; deadlines.runtime unless given. */
  readonly timeoutMs?: number | undefined;
  /** Streams that the container's process inherits; else the output is captured. */
  readonly streams?: RuntimeStreams;
}

interface Ended {
  /** Or the name of the signal that ended it. */
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Context {
  readonly runtime: Runtime;
  readonly id: string;
  /** For logs, pid files and process documents of single commands. */
  readonly directory: string;
  /** The parent of commands that make processes, which become its children too. */
  readonly kept: Kept;
  /** Milliseconds for one command; those of `deadlines` unless given. */
  readonly deadlineMs?: number;
}

/**
 * Any OCI runtime by its command line (runc's flags). The files are small and in memory: synchronous calls take less time
 * than a round trip through another thread.
 */
export class CommandLineRuntime implements OciRuntime {
  readonly #context: Context;
  #count = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async create(bundle: string, streams: RuntimeStreams): Promise<number> {
    const args = ["--bundle", bundle];
    return this.#startProcess("create", args, streams);
  }

  async start(): Promise<void> {
    await this.#run({ name: "start", args: [this.#context.id] });
  }

  async status(): Promise<string> {
    const state = await this.#runForJson({ name: "state", args: [this.#context.id] });
    const status = (state as { status?: unknown } | null)?.status;
    if (typeof status === "string") return status;
    throw malformedAnswer("state", "the answer has no status");
  }

  async exec(process: Document, streams: RuntimeStreams): Promise<number> {
    const path = this.#file("process");
    try {
      writeFileSync(path, JSON.stringify(process), { mode: 0o600 });
      return await this.#startProcess("exec", ["--detach", "--process", path], streams);
    } finally {
      rmSync(path, { force: true });
    }
  }

  async kill(signal: number, all: boolean): Promise<void> {
    await this.#run({ name: "kill", args: [...(all ? ["--all"] : []), this.#context.id, String(signal)] });
  }

  async delete(): Promise<void> {
    await this.#run({ name: "delete", args: [this.#context.id] });
  }

  async pause(): Promise<void> {
    await this.#run({ name: "pause", args: [this.#context.id] });
  }

  async resume(): Promise<void> {
    await this.#run({ name: "resume", args: [this.#context.id] });
  }

  async pids(): Promise<number[]> {
    const pids = await this.#runForJson({ name: "ps", args: ["--format", "json", this.#context.id] });
    if (Array.isArray(pids) && pids.every((pid) => Number.isSafeInteger(pid))) return pids as number[];
    throw malformedAnswer("ps", "the answer is no list of process ids");
  }

  async update(resources: Document): Promise<void> {
    await this.#run({ name: "update", args: ["-r", "-", this.#context.id], input: JSON.stringify(resources) });
  }

  async stats(): Promise<Document> {
    const answer = await this.#runForJson({ name: "events", args: ["--stats", this.#context.id] });
    const data = (answer as { data?: unknown } | null)?.data;
    if (typeof data === "object" && data !== null) return data as Document;
    throw malformedAnswer("events", "the answer has no data");
  }

  async checkpoint(options: CheckpointOptions): Promise<void> {
    const args = [...checkpointFlags(options), this.#context.id];
    await this.#run({ name: "checkpoint", args, timeoutMs: checkpointDeadlines.runtime });
  }

  async restore(bundle: string, imagePath: string, streams: RuntimeStreams): Promise<number> {
    const flags = ["--detach", "--bundle", bundle, "--image-path", imagePath];
    return this.#startProcess("restore", flags, streams, checkpointDeadlines.runtime);
  }

  close(): void {}

  async #startProcess(
    name: string,
    flags: readonly string[],
    streams: RuntimeStreams,
    timeoutMs: number = deadlines.runtime,
  ): Promise<number> {
    const pidFile = this.#file("pid");
    const terminal = streams.consoleSocket ? ["--console-socket", streams.consoleSocket] : [];
    try {
      const args = [...flags, ...terminal, "--pid-file", pidFile, this.#context.id];
      await this.#run({ name, args, streams, timeoutMs });
      const pid = Number(readFileSync(pidFile, "latin1"));
      if (Number.isSafeInteger(pid) && pid > 0) return pid;
      throw malformedAnswer(name, "it wrote no process id");
    } finally {
      rmSync(pidFile, { force: true });
    }
  }

  async #runForJson(command: Command): Promise<unknown> {
    const text = await this.#run(command);
    try {
      return JSON.parse(text);
    } catch {
      throw malformedAnswer(command.name, `the answer is no JSON: ${text.slice(0, 200)}`);
    }
  }

  /** Runs one command to its end; a late one is killed. @returns its output, unless a process inherited it */
  async #run(command: Command): Promise<string> {
    const { runtime } = this.#context;
    const log = this.#file("log");
    const global = [...(runtime.args ?? []), "--root", runtime.root, "--log", log, "--log-format", "json"];
    const args = [...global, command.name, ...command.args];
    try {
      const ended = await (command.streams ? this.#runInKeeper(command, args) : this.#runHere(command, args));
      if (ended.status === 0) return ended.stdout;
      const message = ended.stderr.trim() || `${runtime.path} ended with ${ended.status}`;
      throw runtimeError(command.name, lastLoggedError(readText(log)) ?? { message, meaning: undefined });
    } catch (error) {
      if (error instanceof RpcError) throw error;
      throw new RpcError(
        "InvalidArgument",
        `the OCI runtime ${runtime.path} cannot be run: ${(error as Error).message}`,
      );
    } finally {
      rmSync(log, { force: true });
    }
  }

  /** As a child of this process, which captures the output. */
  async #runHere({ name, input, timeoutMs }: Command, args: readonly string[]): Promise<Ended> {
    const { runtime } = this.#context;
    const stdin = input === undefined ? "ignore" : "pipe";
    const child = spawn(runtime.path, args, { cwd: "/", stdio: [stdin, "pipe", "pipe"] });
    child.stdin?.on("error", () => undefined); // it may end without reading
    child.stdin?.end(input);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? signal));
    });
    const status = await this.#inTime({ name, timeoutMs }, ended, () => child.kill("SIGKILL"));
    return { status, stdout: stdout(), stderr: stderr() };
  }

  /** As a child of the keeper, which becomes the parent of the process that the command leaves behind. */
  async #runInKeeper({ name, streams = {}, timeoutMs }: Command, args: readonly string[]): Promise<Ended> {
    const { runtime, kept } = this.#context;
    const own = `runtime-${this.#count}`;
    const nothing = openSync("/dev/null", "r+");
    try {
      const fds = [streams.stdin ?? nothing, streams.stdout ?? nothing, streams.stderr ?? nothing];
      const env = Object.entries(process.env).map(([key, value]) => `${key}=${value}`);
      const argv = [runtime.path, ...args];
      const { pidFd } = await kept.client.spawn({ name: own, program: runtime.path, argv, env, fds, cwd: "/" });
      closeSync(pidFd);
    } finally {
      closeSync(nothing);
    }
    const kill = () => {
      kept.signal(own, name, SIGNALS.SIGKILL).catch(() => undefined); // it ends just now
    };
    const { exitStatus } = await this.#inTime({ name, timeoutMs }, kept.exitOf(own), kill);
    await kept.acknowledge(own);
    return { status: exitStatus, stdout: "", stderr: "" };
  }

  async #inTime<T>({ name, timeoutMs }: Pick<Command, "name" | "timeoutMs">, ended: Promise<T>, kill: () => void) {
    const limitMs = this.#context.deadlineMs ?? timeoutMs ?? deadlines.runtime;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      kill();
      late.reject(new RpcError("DeadlineExceeded", `OCI runtime ${name} did not end within ${limitMs} ms`));
    }, limitMs);
    try {
      return await Promise.race([ended, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #file(kind: string): string {
    this.#count += 1;
    return join(this.#context.directory, `runtime-${this.#count}.${kind}`);
  }
}

function checkpointFlags(options: CheckpointOptions): string[] {
  const { imagePath, workPath, exit, tcpEstablished, externalUnixSockets, shellJob, fileLocks } = options;
  return [
    ...["--image-path", imagePath],
    ...(workPath === undefined ? [] : ["--work-path", workPath]),
    ...(exit ? [] : ["--leave-running"]),
    ...(tcpEstablished ? ["--tcp-established"] : []),
    ...(externalUnixSockets ? ["--ext-unix-sk"] : []),
    ...(shellJob ? ["--shell-job"] : []),
    ...(fileLocks ? ["--file-locks"] : []),
  ];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
