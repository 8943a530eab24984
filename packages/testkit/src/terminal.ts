import { readSync, writeSync } from "node:fs";
import { nativeSys, POLLIN } from "@gantry/native-sys";
import { type ProcessEnd, type StartOptions, start, waitFor } from "./resource.ts";

/** A program on a terminal of its own, driven as a person would. */
export interface Terminal extends AsyncDisposable {
  readonly pid: number;
  /** Types. "\r" is the return key, "\x03" control-C. */
  send(text: string): void;
  /**
   * Waits until the output since the last match matches, and returns the match; the next search begins after it.
   * @throws Error with the output, at the time limit (5 s unless given)
   */
  expect(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Everything shown so far, control sequences included. */
  output(): string;
  resize(columns: number, rows: number): void;
  size(): { columns: number; rows: number };
  readonly ended: Promise<ProcessEnd>;
}

export interface TerminalOptions extends Pick<StartOptions, "cwd" | "env"> {
  readonly columns?: number;
  readonly rows?: number;
}

/** Starts a program with a new terminal as its standard streams and controlling terminal. */
export function startTerminal(command: string, args: readonly string[] = [], options: TerminalOptions = {}): Terminal {
  const { columns = 80, rows = 24, ...rest } = options;
  const native = nativeSys();
  const { master, slave } = native.openpty();
  native.setWinsize(master, columns, rows);
  native.setNonBlocking(master, true);
  const program = start("setsid", ["--ctty", command, ...args], { ...rest, stdio: [slave, slave, slave] });
  native.closeFd(slave);
  const screen = new Screen(master);
  return {
    pid: program.pid,
    send: (text) => void writeSync(master, text),
    expect: (pattern, timeoutMs = 5000) => screen.expect(pattern, timeoutMs),
    output: () => screen.shown,
    resize: (wide, high) => native.setWinsize(master, wide, high),
    size: () => native.getWinsize(master),
    ended: program.ended.finally(() => screen.readSome()),
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      screen.close();
    },
  };
}

/** The master's side: the program's output. */
class Screen {
  readonly #master: number;
  readonly #watch: { close(): void };
  readonly #decoder = new TextDecoder();
  readonly #chunk = Buffer.alloc(65_536);
  #searched = 0;
  shown = "";

  constructor(master: number) {
    this.#master = master;
    this.#watch = nativeSys().watchFd(master, POLLIN, () => this.readSome());
  }

  /** Reads the available output. The last program's end shows as EIO. */
  readSome(): void {
    try {
      for (;;) {
        const length = readSync(this.#master, this.#chunk);
        if (length === 0) return;
        this.shown += this.#decoder.decode(this.#chunk.subarray(0, length), { stream: true });
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") this.#watch.close();
    }
  }

  async expect(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    try {
      const match = await waitFor(() => pattern.exec(this.shown.slice(this.#searched)), { timeoutMs });
      this.#searched += match.index + match[0].length;
      return match;
    } catch (cause) {
      const rest = JSON.stringify(this.shown.slice(this.#searched));
      throw new Error(`the terminal did not show ${pattern} within ${timeoutMs} ms; since the last match: ${rest}`, {
        cause,
      });
    }
  }

  close(): void {
    this.#watch.close();
    nativeSys().closeFd(this.#master);
  }
}
