import { UsageError } from "@gantry/cli";
import { signalNumber } from "@gantry/native-sys";
import { killContainer } from "../run/kill.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const kill: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "kill",
      operands: "ID [SIGNAL]",
      summary: "Sends a signal (SIGTERM unless given; a name or a number) to the container's first process.",
      flags: { all: { type: "boolean", short: "a", doc: "send it to every process of the container" } },
      example: "oci-runtime kill box KILL",
      count: [1, 2],
    },
    context,
  );
  if (!parsed) return 0;
  const [id = "", name = "SIGTERM"] = parsed.operands;
  // Signal 0 checks whether a process exists (kill(2)).
  const signal = name === "0" ? 0 : signalNumber(name);
  if (signal === undefined) throw new UsageError(`unknown signal "${name}": give a name such as TERM or a number`);
  await killContainer(await context.host(), context.store, { id, signal, all: parsed.flags.all });
  return 0;
};
