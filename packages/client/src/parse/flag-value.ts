import { type FlagTable, UsageError } from "@gantry/cli";

/**
 * Reads the value of a flag; an error of the reader gets the flag's names.
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
