import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Remove one or more images",
  flags: { force: { type: "boolean", short: "f", doc: "Force removal of the image" } },
  args: [1, anyNumber],
  examples: ["busybox:1.36"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    let onlyMissing = values.force;
    const exitCode = await forEach(context, args, async (name) => {
      const { Items } = await engine
        .call("imageRemove", { Name: name, Force: values.force })
        .catch((error: unknown) => {
          if (!isRpcError(error, "NotFound")) onlyMissing = false;
          throw error;
        });
      for (const { Untagged, Deleted } of Items) {
        if (Untagged !== undefined) context.out.print(`Untagged: ${Untagged}`);
        if (Deleted !== undefined) context.out.print(`Deleted: ${Deleted}`);
      }
    });
    // With --force a missing image is no failure.
    return onlyMissing ? 0 : exitCode;
  },
});
