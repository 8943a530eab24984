import { rmSync } from "node:fs";
import type * as common from "@gantry/ipc/contracts/common";
import type { FileLog } from "../log/file-log.ts";
import type { Inherited } from "../process/inherited.ts";
import type { RuntimeStreams } from "../runtime/runtime.ts";
import { ConsoleSocket, duplicate } from "./console.ts";
import { fifoSink } from "./fifo.ts";
import { Input } from "./input.ts";
import { KeptStreams, type KeptStreamsOptions, type Spools } from "./kept-streams.ts";
import { Output, type ReadBuffer } from "./output.ts";
import type { Sink } from "./sink.ts";

/** How long an output may stay quiet after its process's exit while another process still holds it open. */
const quietMs = 100;
/** How long the output of such other processes is read at most. */
const longestQuietMs = 2000;
/** How long an exit waits for a slow disk. */
const flushMs = 2000;

export interface StdioContext extends KeptStreamsOptions {
  readonly buffer: ReadBuffer;
  /** Path for the console socket. */
  readonly consolePath: string;
  readonly options: common.Stdio;
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
  readonly #kept: KeptStreams;
  /** Until the outputs have them. */
  #spools: Spools = {};
  #size: { width: number; height: number } | undefined;

  constructor(context: StdioContext) {
    const { sys, buffer, options } = context;
    this.#context = context;
    this.#kept = new KeptStreams(context);
    this.terminal = options.terminal;
    this.#size = options.consoleSize;
    this.stdout = new Output(sys, buffer);
    this.stderr = new Output(sys, buffer);
    if (options.stdin || options.fifos?.stdin) {
      this.#input = new Input(sys, options.terminal, () => this.#kept.drop("stdin"));
    }
    if (context.log) this.#addLog(context.log);
  }

  /** The terminal's size, in characters; undefined where it has none, or was not given. */
  get size(): { readonly width: number; readonly height: number } | undefined {
    return this.terminal ? this.#size : undefined;
  }

  /** Goes on with the streams of a process of an earlier shim: first the log gets what that one had not written. */
  async adopt(inherited: Inherited): Promise<void> {
    const { sys, log, options } = this.#context;
    await log?.resume();
    const spools = this.#kept.inheritedSpools(inherited);
    for (const stream of ["stdout", "stderr"] as const) {
      const spool = spools[stream];
      if (spool) this[stream].replay(spool);
    }
    this.#addFifos();
    const [master, stdin] = [inherited.get("terminal"), inherited.get("stdin")];
    const input = master === undefined ? stdin : duplicate(sys, master);
    if (input === undefined) this.#input?.close();
    else if (this.#input) this.#input.open(input);
    else sys.closeFd(input);
    for (const stream of ["stdout", "stderr"] as const) {
      const fd = stream === "stdout" ? (master ?? inherited.get(stream)) : inherited.get(stream);
      if (fd === undefined) this[stream].close();
      else this[stream].open(fd, spools[stream]);
    }
    this.#master = master ?? -1;
    if (input !== undefined && options.fifos?.stdin) this.#input?.copyFrom(options.fifos.stdin);
  }

  /** The process's name in the keeper. */
  get name(): string {
    return this.#context.name;
  }

  /** Creates the streams that the runtime passes to the process. @throws the system's error; `close` then releases them */
  async prepare(): Promise<RuntimeStreams> {
    const { sys, consolePath } = this.#context;
    this.#addFifos();
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
    let farStdin: number | undefined;
    if (this.#input) {
      const [far, stdin] = sys.pipe(0);
      this.#near.stdin = stdin;
      this.#far.push(far);
      farStdin = far;
    }
    this.#spools = this.#kept.makeSpools(false);
    await this.#kept.put(this.#near, this.#spools);
    return { stdout: farStdout, stderr: farStderr, ...(farStdin === undefined ? {} : { stdin: farStdin }) };
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
    for (const spool of Object.values(this.#spools)) spool?.close();
    this.#spools = {};
    await this.#kept.dropAll();
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
    const spools = this.#spools;
    this.#spools = {};
    if (stdout !== undefined) this.stdout.open(stdout, spools.stdout);
    if (stderr !== undefined) this.stderr.open(stderr, spools.stderr);
  }

  async #openTerminal(console: ConsoleSocket): Promise<void> {
    const { sys } = this.#context;
    this.#master = await console.master();
    console[Symbol.dispose]();
    this.#console = undefined;
    this.#spools = this.#kept.makeSpools(true);
    await this.#kept.put({ terminal: this.#master }, this.#spools);
    this.#applySize();
    this.#input?.open(duplicate(sys, this.#master));
    const spool = this.#spools.stdout;
    this.#spools = {};
    this.stdout.open(this.#master, spool);
    this.stderr.close();
  }

  #addFifos(): void {
    const { sys, options } = this.#context;
    const { fifos } = options;
    if (fifos?.stdout) this.stdout.add(fifoSink(sys, fifos.stdout));
    if (fifos?.stderr && !this.terminal) this.stderr.add(fifoSink(sys, fifos.stderr));
  }

  #applySize(): void {
    if (!this.#size || this.#master < 0 || this.stdout.isOver) return;
    this.#context.sys.setWinsize(this.#master, this.#size.width, this.#size.height);
  }

  #addLog(log: FileLog): void {
    log.onWritten = ({ stdout, stderr }) => {
      this.stdout.release(stdout);
      this.stderr.release(stderr);
    };
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
