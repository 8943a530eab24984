import { constants } from "node:fs";
import { type CAPABILITIES, O_PATH, SIGNALS } from "./generated/constants.ts";

export * from "./generated/constants.ts";

// open(2) flags whose numbers differ between architectures: Node knows those of its own.
export const O_DIRECT = constants.O_DIRECT;
export const O_DIRECTORY = constants.O_DIRECTORY;
export const O_NOFOLLOW = constants.O_NOFOLLOW;
export const O_TMPFILE = (O_PATH << 1) | constants.O_DIRECTORY;

export type SignalName = keyof typeof SIGNALS;
export type CapabilityName = keyof typeof CAPABILITIES;

const signalNames = new Map<number, SignalName>(
  Object.entries(SIGNALS).map(([name, number]) => [number, name as SignalName]),
);
const realTimeMin = 34;
const realTimeMax = 64;

/** "SIGTERM" for 15; "SIGRTMIN+3" for 37 (glibc keeps 32 and 33 for itself); undefined for other numbers. */
export function signalName(number: number): string | undefined {
  if (number >= realTimeMin && number <= realTimeMax) {
    return number === realTimeMin ? "SIGRTMIN" : `SIGRTMIN+${number - realTimeMin}`;
  }
  return signalNames.get(number);
}

/**
 * The number of a signal given as people write it: "TERM", "sigterm", "SIGRTMIN+3", "RTMAX-1" or "15".
 *
 * @returns undefined when it names no signal of 1–64
 */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return inRange(Number(text), 1);
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  if (Object.hasOwn(SIGNALS, name)) return SIGNALS[name as SignalName];
  if (name === "SIGCLD") return SIGNALS.SIGCHLD;
  if (name === "SIGPOLL") return SIGNALS.SIGIO;
  if (name === "SIGIOT") return SIGNALS.SIGABRT;
  const realTime = /^SIGRT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (!realTime) return undefined;
  return inRange((realTime[1] === "MIN" ? realTimeMin : realTimeMax) + Number(realTime[2] ?? 0), realTimeMin);
}

function inRange(number: number, lowest: number): number | undefined {
  return number >= lowest && number <= realTimeMax ? number : undefined;
}
