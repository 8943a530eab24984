import { constants as osConstants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../../host.ts";
import { killQuietly } from "../kill.ts";
import { type Console, openConsole } from "./console.ts";
import { waitForExit } from "./wait.ts";

/** Signals that end or inform a program; those that the kernel makes of faults and of terminals' modes stay here. */
const forwarded: readonly NodeJS.Signals[] = [
  ...(["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGCONT", "SIGWINCH", "SIGALRM"] as const),
];

/** Passes signals on to a process; those that come before there is one wait for it. */
class SignalRelay {
  readonly #handlers: (readonly [name: NodeJS.Signals, handler: () => void])[];
  #pid = 0;
  #early: NodeJS.Signals[] = [];
  #resized: (() => void) | undefined;

  constructor() {
    this.#handlers = forwarded.map((name) => [name, () => this.#pass(name)] as const);
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  /** @param resized called for SIGWINCH, which is the terminal's affair */
  passTo(pid: number, resized: (() => void) | undefined): void {
    this.#pid = pid;
    this.#resized = resized;
    for (const name of this.#early.splice(0)) this.#pass(name);
  }

  release(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #pass(name: NodeJS.Signals): void {
    if (name === "SIGWINCH") this.#resized?.();
    else if (this.#pid === 0) this.#early.push(name);
    else killQuietly(this.#pid, osConstants.signals[name]);
  }
}

export interface Foreground {
  readonly pid: number;
}

/**
 * Runs a process in the foreground: its terminal or streams are this process's, signals are passed on.
 *
 * @param terminal carry a terminal of the container over the own streams
 * @param begin starts the process; given the socket for the terminal where one is wanted
 * @returns its exit status
 */
export async function foreground(
  host: Host,
  terminal: boolean,
  begin: (console: number | undefined) => Promise<Foreground>,
): Promise<number> {
  const signals = new SignalRelay();
  const console = terminal ? openConsole(host) : undefined;
  let attached: ReturnType<Console["attach"]> | undefined;
  try {
    const { pid } = await begin(console?.socket);
    attached = console?.attach();
    signals.passTo(pid, attached?.resize);
    const status = await waitForExit(host, pid);
    // Output of processes that outlive the first one is passed on as far as it is there already.
    if (attached) await Promise.race([attached.drained, delay(200)]);
    return status;
  } finally {
    signals.release();
    attached?.close();
    console?.close();
  }
}
