import { defined } from "@gantry/cli";
import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Kill one or more running containers",
  flags: {
    signal: { type: "string", short: "s", value: "SIGNAL", doc: "Signal to send to the container, SIGKILL by default" },
  },
  args: [1, anyNumber],
  examples: ["web"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      await engine.call("containerKill", defined({ Id: name, Signal: values.signal }));
      context.out.print(name);
    });
  },
});
