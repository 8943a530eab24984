import { BrokenPipe } from "./output.ts";

/**
 * Does something for each of several things; a failure of one is told and does not stop the others.
 * @param tell says what went wrong; false when it is of no use to go on
 * @returns 1 when any failed
 * @throws BrokenPipe
 */
export async function forEachName(
  names: readonly string[],
  work: (name: string) => Promise<void>,
  tell: (error: unknown) => Promise<boolean>,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      if (error instanceof BrokenPipe) throw error;
      if (!(await tell(error))) return 1;
      exitCode = 1;
    }
  }
  return exitCode;
}
