import type { WriteStream } from "node:tty";
import { CommandError } from "../command-error.ts";

const sttyTimeoutMs = 1000;

/** Modules that take milliseconds to load are loaded only for a terminal. */
const isatty = (fd: number): boolean => process.getBuiltinModule("node:tty").isatty(fd);

/** A terminal is required and missing. */
export class NoTerminalError extends CommandError {
  override name = "NoTerminalError";
}

/** True when the process's standard input (0), output (1) or error (2) is a terminal. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  return isatty(fd);
}

export interface TerminalSize {
  readonly height: number;
  readonly width: number;
}

/** Size of the terminal at standard output; undefined without one. */
export function terminalSize(): TerminalSize | undefined {
  if (!isatty(1)) return undefined;
  const [width, height] = (process.stdout as WriteStream).getWindowSize();
  return { width, height };
}

/** Columns of the terminal at standard output or error. */
export function terminalColumns(fd: 1 | 2): number {
  return (fd === 1 ? process.stdout : process.stderr).columns ?? 80;
}

/** Puts the terminal into raw mode, without any processing of input and output. @returns a function that restores it */
export function rawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  stdin.setRawMode(true);
  const restore = (): void => {
    stdin.setRawMode(false);
  };
  // Node's raw mode still turns a line feed into carriage return and line feed; full-screen programs in the
  // container use a bare line feed to go one line down. Synchronous, so that it cannot run after the restoring.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"], timeout: sttyTimeoutMs });
  process.once("exit", restore);
  return () => {
    process.off("exit", restore);
    restore();
  };
}

/** @throws NoTerminalError when a terminal is requested and the input is not one */
export function checkInputTerminal(wantsTerminal: boolean, attachesInput: boolean): void {
  if (wantsTerminal && attachesInput && !isTerminal(0)) throw new NoTerminalError("the input device is not a TTY");
}
