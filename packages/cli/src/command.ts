import type { FlagTable, Parsed } from "./flags.ts";

/** One command, as it stands in its own file; C is what the program gives to all of its commands. */
export interface CommandSpec<C, T extends FlagTable = FlagTable> {
  /** What follows the command's name in its usage line. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: T;
  /** Fewest and most positional arguments. */
  readonly args: readonly [least: number, most: number];
  /** What follows the command's name in an example. */
  readonly examples: readonly string[];
  /** The first positional argument ends the flags. */
  readonly stopAtPositional?: boolean;
  /** Returns the exit code. */
  run(context: C, parsed: Parsed<T>): Promise<number>;
}

export const anyNumber = Number.POSITIVE_INFINITY;

/** What is wrong with the number of positional arguments; undefined when nothing is. */
export function argumentProblem(
  { args: [least, most] }: Pick<CommandSpec<never>, "args">,
  given: number,
): string | undefined {
  const count = (number: number): string => `${number} argument${number === 1 ? "" : "s"}`;
  if (given >= least && given <= most) return undefined;
  if (most === 0) return "accepts no arguments";
  if (least === most) return `requires exactly ${count(least)}`;
  return given < least ? `requires at least ${count(least)}` : `requires at most ${count(most)}`;
}
