import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  summary: "Remove one or more volumes",
  flags: { force: { type: "boolean", short: "f", doc: "Force the removal of one or more volumes" } },
  args: [1, anyNumber],
  examples: ["data"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      await engine.call("volumeRemove", { Name: name, Force: values.force });
      context.out.print(name);
    });
  },
});
