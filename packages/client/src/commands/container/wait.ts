import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  summary: "Block until one or more containers stop, then print their exit codes",
  flags: {},
  args: [1, anyNumber],
  examples: ["web"],
  async run(context, { args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      const { StatusCode, Error: failure } = await engine.call("containerWait", { Id: name });
      if (failure) throw new Error(failure.Message);
      context.out.print(String(StatusCode));
    });
  },
});
