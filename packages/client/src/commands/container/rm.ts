import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Remove one or more containers",
  flags: {
    force: { type: "boolean", short: "f", doc: "Force the removal of a running container (uses SIGKILL)" },
    volumes: { type: "boolean", short: "v", doc: "Remove anonymous volumes associated with the container" },
  },
  args: [1, anyNumber],
  examples: ["web"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      try {
        await engine.call("containerRemove", { Id: name, Force: values.force, RemoveVolumes: values.volumes });
      } catch (error) {
        // With -f a missing container is no failure.
        if (!(values.force && isRpcError(error, "NotFound"))) throw error;
        context.out.printError(`Error: No such container: ${name}`);
        return;
      }
      context.out.print(name);
    });
  },
});
