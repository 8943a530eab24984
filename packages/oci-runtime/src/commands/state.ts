import { containerState } from "../run/inspect.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const state: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "state",
      operands: "ID",
      summary: "Prints a container's state as JSON (runtime-spec, State).",
      flags: {},
      example: "oci-runtime state box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const document = containerState(await context.host(), context.store, parsed.operands[0] ?? "");
  context.print(`${JSON.stringify(document, null, 2)}\n`);
  return 0;
};
