import { anyNumber, defineCommand } from "../../command.ts";
import { inspect } from "../../engine/inspect.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  summary: "Display detailed information on one or more networks",
  flags: {
    format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" },
  },
  args: [1, anyNumber],
  examples: ["bridge"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await inspect(context, args, {
      format: values.format,
      kind: "network",
      find: (name) => engine.call("networkInspect", { Id: name }),
    });
  },
});
