import { CommandError, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "CONTAINER NEW_NAME",
  summary: "Rename a container",
  flags: {},
  args: [2, 2],
  examples: ["web web-old"],
  async run(context, { args: [container = "", name = ""] }) {
    if (container.trim() === "" || name.trim() === "") {
      throw new CommandError("Error: Neither old nor new names may be empty");
    }
    const engine = await context.engine();
    await engine.call("containerRename", { Id: container, Name: name });
    return 0;
  },
});
