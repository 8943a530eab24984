import { constants } from "node:os";

/** Cannot be caught, or are about this program itself. */
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

/** Passes every signal that this process gets on. Returns what ends that. */
export function forwardSignals(forward: (signal: NodeJS.Signals) => void): () => void {
  return listen(forwardable as NodeJS.Signals[], forward);
}

/** Tells of a signal that would end the process, so that a terminal can be put back first. */
export function onTermination(tell: (signal: NodeJS.Signals) => void): () => void {
  return listen(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"], tell);
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
