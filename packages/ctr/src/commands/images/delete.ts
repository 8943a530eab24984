import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { forEach } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REF...",
  summary: "Remove one or more images by reference",
  flags: {
    sync: { type: "boolean", doc: "Remove all that only the image needed before returning: this is always done" },
  },
  args: [1, anyNumber],
  missing: "please provide an image reference to remove",
  examples: ["docker.io/library/busybox:latest"],
  async run(context, { args }) {
    const { namespace, out } = context;
    const supervisor = await context.supervisor();
    return await forEach(context, args, async (text) => {
      const name = fullName(text);
      try {
        await supervisor.call("images.delete", { namespace, name });
        out.print(name);
      } catch (error) {
        // A missing one needs no removal.
        if (!isRpcError(error, "NotFound")) throw error;
        context.log.warn(`${text}: image not found`);
      }
    });
  },
});
