import type { CommandSpec, FlagTable } from "@gantry/cli";
import type { Log } from "@gantry/cli/log";
import type { Output } from "@gantry/cli/output";
import type { Supervisor } from "./supervisor/connect.ts";

export { anyNumber, CommandError } from "@gantry/cli";

/** A command's dependencies: the parts of the process that it may use. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly out: Output;
  readonly log: Log;
  /** The containerd-like namespace that requests are made in. */
  readonly namespace: string;
  /** The supervisor's endpoint. */
  readonly endpoint: string;
  /** The addresses where a supervisor was looked for: the given address, or the defaults. */
  readonly searched: readonly string[];
  /** Connects at the first use. */
  supervisor(): Promise<Supervisor>;
}

/** A command; `missing` is the message for too few arguments. */
export interface Spec<T extends FlagTable> extends CommandSpec<Context, T> {
  readonly missing?: string;
  /** Flags of containerd's ctr that are not supported here: the reason, or an alternative. */
  readonly refused?: Readonly<Record<string, string>>;
}
export type Command = Spec<FlagTable>;

/** Declares a command; the types of its flags' values are inferred. */
export function defineCommand<const T extends FlagTable>(spec: Spec<T>): Command {
  return spec as unknown as Command;
}
