import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  summary: "Remove one or more networks",
  flags: { force: { type: "boolean", short: "f", doc: "Do not error if the network does not exist" } },
  args: [1, anyNumber],
  examples: ["backend"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      try {
        await engine.call("networkRemove", { Id: name });
      } catch (error) {
        if (values.force && isRpcError(error, "NotFound")) return;
        throw error;
      }
      context.out.print(name);
    });
  },
});
