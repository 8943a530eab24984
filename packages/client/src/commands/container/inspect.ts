import { defined } from "@gantry/cli";
import { anyNumber, defineCommand } from "../../command.ts";
import { inspect } from "../../engine/inspect.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Display detailed information on one or more containers",
  flags: {
    format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" },
    size: { type: "boolean", short: "s", doc: "Display total file sizes" },
  },
  args: [1, anyNumber],
  examples: ["web"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await inspect(context, args, {
      format: values.format,
      kind: "container",
      find: (name) => engine.call("containerInspect", defined({ Id: name, Size: values.size || undefined })),
    });
  },
});
