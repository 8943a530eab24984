import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "CONTAINER",
  summary: "Resume a paused container",
  flags: {},
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["redis"],
  async run({ namespace, supervisor }, { args: [containerId = ""] }) {
    await (await supervisor()).call("tasks.resume", { namespace, containerId });
    return 0;
  },
});
