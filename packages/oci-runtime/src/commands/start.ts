import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";
import { startNotifying } from "./notify.ts";

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
  const { notified } = await startNotifying(await context.host(), context, {
    id: parsed.operands[0] ?? "",
    stays: false,
  });
  await notified;
  return 0;
};
