import { startContainer } from "../run/start.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const start: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "start",
      operands: "ID",
      summary: "Lets a created container's process run its program.",
      flags: {},
      example: "oci-runtime start box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  await startContainer(await context.host(), context.store, parsed.operands[0] ?? "");
  return 0;
};
