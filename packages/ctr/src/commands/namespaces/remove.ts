import { anyNumber, defineCommand } from "../../command.ts";
import { forEach, isRpcError } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "NAME...",
  summary: "Remove one or more namespaces, which must be empty",
  flags: {},
  args: [1, anyNumber],
  missing: "please specify a namespace",
  examples: ["team"],
  async run(context, { args }) {
    const supervisor = await context.supervisor();
    return await forEach(context, args, async (name) => {
      try {
        await supervisor.call("namespaces.delete", { name });
      } catch (error) {
        // gone is what was asked for
        if (!isRpcError(error, "NotFound")) throw error;
      }
      context.out.print(name);
    });
  },
});
