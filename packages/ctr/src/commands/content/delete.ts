import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, defineCommand } from "../../command.ts";
import { checkDigest } from "../../parse/digest.ts";
import { forEach } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "DIGEST...",
  summary: "Delete blobs permanently, and print their digests",
  flags: {},
  args: [1, anyNumber],
  missing: "please provide a digest",
  examples: ["sha256:…"],
  async run(context, { args }) {
    const { namespace, out } = context;
    const supervisor = await context.supervisor();
    return await forEach(context, args, async (text) => {
      const digest = checkDigest(text);
      try {
        await supervisor.call("content.delete", { namespace, digest });
        out.print(digest);
      } catch (error) {
        // A missing one needs no removal.
        if (!isRpcError(error, "NotFound")) throw error;
      }
    });
  },
});
