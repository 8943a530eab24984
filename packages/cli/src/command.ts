import type { FlagTable, Parsed } from "./flags.ts";

/** One command; C is the context that the program passes to all of its commands. */
export interface CommandSpec<C, T extends FlagTable = FlagTable> {
  /** The usage line after the command's name. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: T;
  /** Fewest and most positional arguments. */
  readonly args: readonly [least: number, most: number];
  /** Examples, each without the command's name. */
  readonly examples: readonly string[];
  /** The first positional argument ends the flags. */
  readonly stopAtPositional?: boolean;
  /** Returns the exit code. */
  run(context: C, parsed: Parsed<T>): Promise<number>;
}

export const anyNumber = Number.POSITIVE_INFINITY;

/** Describes a wrong number of positional arguments; undefined for a right one. */
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
