import { anyNumber, defineCommand } from "../../command.ts";
import { inspect } from "../../engine/inspect.ts";

export const command = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  summary: "Display detailed information on one or more volumes",
  flags: {
    format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" },
  },
  args: [1, anyNumber],
  examples: ["data"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await inspect(context, args, {
      format: values.format,
      kind: "volume",
      find: (name) => engine.call("volumeInspect", { Name: name }),
    });
  },
});
