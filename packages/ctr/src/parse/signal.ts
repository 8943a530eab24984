import { constants } from "node:os";
import { CommandError } from "../command.ts";

const names: Readonly<Record<string, number>> = constants.signals;
/** Real-time signals have no names in Node. */
const firstRealTime = 34;
const lastSignal = 64;

/** A signal's number from 9, KILL, SIGKILL, sigkill or RTMIN+1. @throws CommandError */
export function parseSignal(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= lastSignal) return number;
  const upper = text.toUpperCase();
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const known = Object.hasOwn(names, name) ? names[name] : realTime(name);
  if (known === undefined) throw new CommandError(`invalid signal: ${text}`);
  return known;
}

function realTime(name: string): number | undefined {
  const [, base, sign, offset = "0"] = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (base === undefined) return undefined;
  const number = (base === "MIN" ? firstRealTime : lastSignal) + (sign === "-" ? -1 : 1) * Number(offset);
  return number >= firstRealTime && number <= lastSignal ? number : undefined;
}
