import { rmSync } from "node:fs";
import type * as common from "@gantry/ipc/contracts/common";
import type { NativeSys } from "@gantry/native-sys";
import type { FileLog } from "../log/file-log.ts";
import type { RuntimeStreams } from "../runtime/runtime.ts";
import { ConsoleSocket, duplicate } from "./console.ts";
import { fifoSink } from "./fifo.ts";
import { Input } from "./input.ts";
import { Output, type ReadBuffer } from "./output.ts";
import type { Sink } from "./sink.ts";

/** How long an output may stay quiet after its process's exit while another process still holds it open. */
const quietMs = 100;
/** How long the output of such other processes is read at most. */
const longestQuietMs = 2000;
/** How long an exit waits for a slow disk. */
const flushMs = 2000;

export interface StdioContext {
  readonly sys: NativeSys;
  readonly buffer: ReadBuffer;
  /** Path for the console socket. */
  readonly consolePath: string;
  readonly options: common.Stdio;
  readonly log: FileLog | undefined;
}

/** The standard streams of one process, from before it exists until it is deleted. */
export class ProcessStdio {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly terminal: boolean;
  readonly #context: StdioContext;
  readonly #input: Input | undefined;
  #console: ConsoleSocket | undefined;
  /** Descriptors for the process itself, ours only until it has them. */
  #far: number[] = [];
  #near: { stdin?: number; stdout?: number; stderr?: number } = {};
  #master = -1;
  #size: { width: number; height: number } | undefined;

  constructor(context: StdioContext) {
    const { sys, buffer, options } = context;
    this.#context = context;
    this.terminal = options.terminal;
    this.#size = options.consoleSize;
    this.stdout = new Output(sys, buffer);
    this.stderr = new Output(sys, buffer);
    if (options.stdin || options.fifos?.stdin) this.#input = new Input(sys, options.terminal);
    if (context.log) this.#addLog(context.log);
  }

  /** The terminal's size, in characters; undefined where it has none, or was not given. */
  get size(): { readonly width: number; readonly height: number } | undefined {
    return this.terminal ? this.#size : undefined;
  }

  /** Creates the streams that the runtime passes to the process. @throws the system's error; `close` then releases them */
  prepare(): RuntimeStreams {
    const { sys, consolePath, options } = this.#context;
    const { fifos } = options;
    if (fifos?.stdout) this.stdout.add(fifoSink(sys, fifos.stdout));
    if (fifos?.stderr && !this.terminal) this.stderr.add(fifoSink(sys, fifos.stderr));
    if (this.terminal) {
      this.#console = new ConsoleSocket(sys, consolePath);
      return { consoleSocket: consolePath };
    }
    const [stdout, farStdout] = sys.pipe(0);
    this.#near.stdout = stdout;
    this.#far.push(farStdout);
    const [stderr, farStderr] = sys.pipe(0);
    this.#near.stderr = stderr;
    this.#far.push(farStderr);
    if (!this.#input) return { stdout: farStdout, stderr: farStderr };
    const [farStdin, stdin] = sys.pipe(0);
    this.#near.stdin = stdin;
    this.#far.push(farStdin);
    return { stdin: farStdin, stdout: farStdout, stderr: farStderr };
  }

  /** Starts to read and write, once the process has its streams. @throws Error when the runtime sent no terminal */
  async open(): Promise<void> {
    if (this.#console) await this.#openTerminal(this.#console);
    else this.#openPipes();
    const path = this.#context.options.fifos?.stdin;
    if (path) this.#input?.copyFrom(path);
  }

  /** Bytes for standard input; dropped when the process has none. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#input?.write(bytes);
  }

  closeInput(): void {
    this.#input?.close();
  }

  /** An attached client that sent input has ended. */
  inputEnded(): void {
    if (this.#context.options.stdinOnce) this.closeInput();
  }

  /** Sets the size of the terminal, in characters, now or once it exists; without a terminal it does nothing. */
  resize(columns: number, rows: number): void {
    this.#size = { width: columns, height: rows };
    this.#applySize();
  }

  /** Drains the ended process's output into the log, up to a time limit. */
  async drain(): Promise<void> {
    this.#input?.destroy();
    this.stdout.drain();
    this.stderr.drain();
    const { log } = this.#context;
    if (log) await Promise.race([log.flush(), delay(flushMs)]);
  }

  /** After the exit: resolves at the end of the output, or when other processes hold the streams and have been quiet. */
  async quiet(): Promise<void> {
    await Promise.all([quietOf(this.stdout), quietOf(this.stderr)]);
  }

  /** Releases everything; unread output is lost. */
  async close(): Promise<void> {
    this.closeFar();
    this.#console?.[Symbol.dispose]();
    this.#console = undefined;
    const { sys } = this.#context;
    for (const fd of Object.values(this.#near)) sys.closeFd(fd);
    this.#near = {};
    this.#input?.destroy();
    this.stdout.close();
    this.stderr.close();
    await this.#context.log?.close();
  }

  /** Closes the descriptors that were for the process alone: else its output would never end. */
  closeFar(): void {
    for (const fd of this.#far.splice(0)) this.#context.sys.closeFd(fd);
  }

  /** Removes the named pipes of a deleted process. */
  removeFifos(): void {
    const { stdin, stdout, stderr, directory } = this.#context.options.fifos ?? {};
    for (const path of [stdin, stdout, stderr]) if (path) rmSync(path, { force: true });
    if (directory) rmSync(directory, { recursive: true, force: true });
  }

  #openPipes(): void {
    const { stdin, stdout, stderr } = this.#near;
    this.#near = {};
    if (stdin !== undefined) this.#input?.open(stdin);
    if (stdout !== undefined) this.stdout.open(stdout);
    if (stderr !== undefined) this.stderr.open(stderr);
  }

  async #openTerminal(console: ConsoleSocket): Promise<void> {
    const { sys } = this.#context;
    this.#master = await console.master();
    console[Symbol.dispose]();
    this.#console = undefined;
    this.#applySize();
    this.#input?.open(duplicate(sys, this.#master));
    this.stdout.open(this.#master);
    this.stderr.close();
  }

  #applySize(): void {
    if (!this.#size || this.#master < 0 || this.stdout.isOver) return;
    this.#context.sys.setWinsize(this.#master, this.#size.width, this.#size.height);
  }

  #addLog(log: FileLog): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const sink: Sink = { write: (chunk) => log.write(stream, chunk), end: () => log.end(stream) };
      this[stream].add(sink);
    }
  }
}

async function quietOf(output: Output): Promise<void> {
  const since = performance.now();
  while (!output.isOver) {
    const quietAt = Math.max(output.lastRead, since) + quietMs;
    const left = Math.min(quietAt, since + longestQuietMs) - performance.now();
    if (left <= 0) return;
    await Promise.race([output.ended, delay(left)]);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
