import { deleteContainer } from "../run/delete.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const remove: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "delete",
      operands: "ID",
      summary: "Removes a container that has stopped or was never started.",
      flags: {
        force: { type: "boolean", short: "f", doc: "kill the container first; a missing container is no error" },
      },
      example: "oci-runtime delete --force box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  await deleteContainer(await context.host(), context.store, {
    id: parsed.operands[0] ?? "",
    force: parsed.flags.force,
  });
  return 0;
};
