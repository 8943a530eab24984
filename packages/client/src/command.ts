import type { FlagTable, Parsed } from "@gantry/cli";
import type { Log } from "@gantry/cli/log";
import type { Output } from "@gantry/cli/output";
import type { Engine } from "./engine/connect.ts";

/** What a command is given: everything that it may touch of the process. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly out: Output;
  readonly log: Log;
  /** The engine's endpoint. @throws CommandError when what was given is none */
  readonly host: string;
  /** Connects at the first use. */
  engine(): Promise<Engine>;
}

/** One command, as it stands in its own file. */
export interface CommandSpec<T extends FlagTable> {
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
  /** Other command lines for the same, without the program's name. */
  readonly aliases?: readonly string[];
  /** Returns the exit code. */
  run(context: Context, parsed: Parsed<T>): Promise<number>;
}

export type Command = CommandSpec<FlagTable>;

/** Declares a command; the types of its flags' values are inferred. */
export function defineCommand<const T extends FlagTable>(spec: CommandSpec<T>): Command {
  return spec as unknown as Command;
}

export const anyNumber = Number.POSITIVE_INFINITY;

export { CommandError } from "@gantry/cli";
