import { defined } from "@gantry/cli";
import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../engine/failure.ts";

import { stopFlags } from "./stop-flags.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Restart one or more containers",
  flags: stopFlags,
  args: [1, anyNumber],
  examples: ["web"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    return await forEach(context, args, async (name) => {
      await engine.call("containerRestart", defined({ Id: name, Signal: values.signal, Timeout: values.time }));
      context.out.print(name);
    });
  },
});
