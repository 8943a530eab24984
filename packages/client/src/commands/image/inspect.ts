import { anyNumber, defineCommand } from "../../command.ts";
import { inspect } from "../../engine/inspect.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Display detailed information on one or more images",
  flags: { format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" } },
  args: [1, anyNumber],
  examples: ["busybox", "-f '{{.Config.Cmd}}' busybox"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await inspect(context, args, {
      format: values.format,
      kind: "image",
      find: (name) => engine.call("imageInspect", { Name: name }),
    });
  },
});
