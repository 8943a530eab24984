import { anyNumber, defineCommand } from "../../command.ts";
import { containerFlags, refusedContainerFlags } from "../../run/container-flags.ts";
import { createContainer } from "../../run/create-container.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE|ROOTFS CONTAINER [COMMAND] [ARG...]",
  summary: "Create a container; tasks start runs it",
  flags: containerFlags,
  refused: refusedContainerFlags,
  args: [0, anyNumber],
  stopAtPositional: true,
  examples: ["docker.io/library/redis:7 redis", "--config bundle/config.json app"],
  async run(context, { values, args }) {
    await createContainer(context, values, args);
    return 0;
  },
});
