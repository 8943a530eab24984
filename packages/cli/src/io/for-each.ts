import { OutputError } from "./output.ts";

/**
 * Runs work for each of several names; a failure of one is reported and does not stop the others.
 * @param report reports a failure; false when the others would fail as well
 * @returns 1 when any failed
 * @throws OutputError
 */
export async function forEachName(
  names: readonly string[],
  work: (name: string) => Promise<void>,
  report: (error: unknown) => Promise<boolean>,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      if (error instanceof OutputError) throw error;
      if (!(await report(error))) return 1;
      exitCode = 1;
    }
  }
  return exitCode;
}
