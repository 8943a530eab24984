import { constants } from "node:os";

/** Signals that cannot be caught, or that concern this program itself. */
const own = new Set(["SIGKILL", "SIGSTOP", "SIGCHLD", "SIGPIPE", "SIGURG", "SIGPROF", "SIGPOLL", "SIGIO"]);
/** Raised by faults of this program; a listener would turn them into endless loops. */
const faults = new Set([
  "SIGSEGV",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGTRAP",
  "SIGSYS",
  "SIGABRT",
  "SIGIOT",
  "SIGSTKFLT",
]);

const forwardable = Object.keys(constants.signals).filter((name) => !own.has(name) && !faults.has(name));

/** Forwards every signal that this process receives. @returns a function that stops forwarding */
export function forwardSignals(forward: (signal: NodeJS.Signals) => void): () => void {
  return listen(forwardable as NodeJS.Signals[], forward);
}

/** Calls back for a signal that would end the process, so that a terminal can be restored first. @returns a function that stops that */
export function onTermination(listener: (signal: NodeJS.Signals) => void): () => void {
  return listen(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"], listener);
}

/** 128 + its number, as a shell counts a process that a signal ended. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function listen(signals: readonly NodeJS.Signals[], listener: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
