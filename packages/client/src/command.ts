import type { CommandSpec, FlagTable } from "@gantry/cli";
import type { Log } from "@gantry/cli/log";
import type { Output } from "@gantry/cli/output";
import type { Engine } from "./engine/connect.ts";

/** A command's dependencies: the parts of the process that it may use. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly out: Output;
  readonly log: Log;
  /** The engine's endpoint. @throws CommandError for an invalid one */
  readonly host: string;
  /** Connects at the first use. */
  engine(): Promise<Engine>;
}

export type Command = CommandSpec<Context>;

/** Declares a command; the types of its flags' values are inferred. */
export function defineCommand<const T extends FlagTable>(spec: CommandSpec<Context, T>): Command {
  return spec as unknown as Command;
}

export { anyNumber, CommandError } from "@gantry/cli";
