import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RpcError } from "@gantry/ipc";
import type { CheckpointOptions, Runtime } from "@gantry/ipc/contracts/common";
import { checkpointDeadlines, deadlines } from "@gantry/ipc/contracts/deadlines";
import type { Children } from "./children.ts";
import { lastLoggedError, malformedAnswer, runtimeError } from "./errors.ts";
import type { Document, OciRuntime, RuntimeStreams } from "./runtime.ts";

interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Milliseconds; deadlines.runtime unless given. */
  readonly timeoutMs?: number;
  /** Streams that the container's process inherits; else the output is captured. */
  readonly streams?: RuntimeStreams;
}

interface Context {
  readonly runtime: Runtime;
  readonly id: string;
  /** For logs, pid files and process documents of single commands. */
  readonly directory: string;
  readonly children: Children;
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
    const { runtime, children } = this.#context;
    const log = this.#file("log");
    const global = [...(runtime.args ?? []), "--root", runtime.root, "--log", log, "--log-format", "json"];
    const { streams, input } = command;
    const output = streams ? (["ignore", "ignore"] as const) : (["pipe", "pipe"] as const);
    const child = children.spawn(runtime.path, [...global, command.name, ...command.args], {
      cwd: "/",
      stdio: [
        streams?.stdin ?? (input === undefined ? "ignore" : "pipe"),
        streams?.stdout ?? output[0],
        streams?.stderr ?? output[1],
      ],
    });
    child.stdin?.on("error", () => undefined); // it may end without reading
    child.stdin?.end(input);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const timeoutMs = this.#context.deadlineMs ?? command.timeoutMs ?? deadlines.runtime;
    let timer: NodeJS.Timeout | undefined;
    try {
      const status = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
        child.once("error", reject);
        timer = setTimeout(() => {
          child.kill("SIGKILL");
          const message = `OCI runtime ${command.name} did not end within ${timeoutMs} ms`;
          reject(new RpcError("DeadlineExceeded", message));
        }, timeoutMs);
        // Not "close": a process that it left running may hold its output.
        child.once(streams ? "exit" : "close", (code, signal) => resolve(code ?? signal));
      });
      if (status === 0) return stdout();
      const message = stderr().trim() || `${runtime.path} ended with ${status}`;
      throw runtimeError(command.name, lastLoggedError(readText(log)) ?? { message, meaning: undefined });
    } catch (error) {
      if (error instanceof RpcError) throw error;
      throw new RpcError(
        "InvalidArgument",
        `the OCI runtime ${runtime.path} cannot be run: ${(error as Error).message}`,
      );
    } finally {
      clearTimeout(timer);
      rmSync(log, { force: true });
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
