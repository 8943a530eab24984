import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  summary: "Unpause all processes within one or more containers",
  flags: {},
  args: [1, anyNumber],
  examples: ["web"],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      await engine.call("containerUnpause", { Id: name });
      context.out.print(name);
    });
  },
});
