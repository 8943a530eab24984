import { type FlagTable, type FlagValues, formatHelp, parseFlags, UsageError } from "@gantry/cli";
import type { Context } from "./context.ts";

export interface Usage<T extends FlagTable> {
  readonly name: string;
  /** The operands after the flags, as in "ID [SIGNAL]". */
  readonly operands: string;
  readonly summary: string;
  readonly flags: T;
  readonly example: string;
  /** How many operands are allowed. */
  readonly count: readonly [least: number, most: number];
  /** Flags end at the first operand: further arguments belong to another program. */
  readonly passesOn?: boolean;
}

export interface Arguments<T extends FlagTable> {
  readonly flags: FlagValues<T>;
  readonly operands: string[];
}

/** Parses a command's arguments; undefined when its help was requested, which is printed then. @throws UsageError */
export function parseArguments<const T extends FlagTable>(
  args: readonly string[],
  usage: Usage<T>,
  context: Context,
): Arguments<T> | undefined {
  const help = { type: "boolean", short: "h", doc: "print this help" } as const;
  const table = { ...usage.flags, help } as FlagTable;
  const parsed = parseFlags(args, table, { stopAtPositional: usage.passesOn ?? false });
  if (parsed.values["help"]) {
    context.print(
      formatHelp({
        usage: `oci-runtime ${usage.name} [OPTIONS] ${usage.operands}`.trim(),
        summary: usage.summary,
        flags: table,
        examples: [usage.example],
      }),
    );
    return undefined;
  }
  const [least, most] = usage.count;
  if (parsed.args.length < least || parsed.args.length > most)
    throw new UsageError(`wants ${usage.operands || "no arguments"}, not ${parsed.args.length} argument(s)`);
  return { flags: parsed.values as FlagValues<T>, operands: parsed.args };
}
