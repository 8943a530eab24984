import { type FlagTable, UsageError } from "@gantry/cli";

/**
 * Reads the value of a flag; what the reader throws is told with the flag's names.
 * @throws UsageError `invalid argument "x" for "-m, --memory" flag: …`
 */
export function flagValue<T>(table: FlagTable, name: string, text: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    const short = table[name]?.short;
    const shown = `${short ? `-${short}, ` : ""}--${name}`;
    throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${(error as Error).message}`);
  }
}

/** The object without the keys whose value is undefined, so that absent and unknown are the same on the wire. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}
