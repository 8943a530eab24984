import type { FlagTable, FlagValues } from "@gantry/cli";
import { anyNumber, type Command, defineCommand } from "../command.ts";
import type { Engine } from "../engine/connect.ts";
import { forEach } from "../engine/failure.ts";

export interface EachSpec<T extends FlagTable> {
  /** The kind of object, as the usage line names it: CONTAINER. */
  readonly object: string;
  readonly summary: string;
  readonly flags: T;
  readonly examples: readonly string[];
  /** Handles one object. */
  call(engine: Engine, name: string, values: FlagValues<T>): Promise<unknown>;
}

/** A command that does the same to each of several objects and prints the name of each success. */
export function eachCommand<const T extends FlagTable>({ object, flags, call, ...texts }: EachSpec<T>): Command {
  const options = Object.keys(flags).length > 0 ? "[OPTIONS] " : "";
  return defineCommand({
    ...texts,
    usage: `${options}${object} [${object}...]`,
    flags,
    args: [1, anyNumber],
    async run(context, { values, args }) {
      const engine = await context.engine();
      return await forEach(context, args, async (name) => {
        await call(engine, name, values as FlagValues<T>);
        context.out.print(name);
      });
    },
  });
}
