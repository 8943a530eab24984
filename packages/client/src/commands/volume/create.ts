import type { FlagTable } from "@gantry/cli";
import { defined } from "@gantry/cli";
import { CommandError, defineCommand } from "../../command.ts";

import { checkedLabels, pairs } from "../../parse/pairs.ts";

const labelFlag = {
  label: { type: "list", value: "NAME[=VALUE]", doc: "Set metadata for a volume" },
} as const satisfies FlagTable;

export const command = defineCommand({
  usage: "[OPTIONS] [VOLUME]",
  summary: "Create a volume",
  flags: {
    driver: { type: "string", short: "d", value: "DRIVER", default: "local", doc: "Specify volume driver name" },
    ...labelFlag,
    name: { type: "string", value: "NAME", hidden: true, doc: "Specify volume name" },
    opt: { type: "list", short: "o", value: "NAME=VALUE", doc: "Set driver specific options" },
  },
  args: [0, 1],
  examples: ["data"],
  async run(context, { values, args: [name] }) {
    if (name !== undefined && values.name !== undefined) {
      throw new CommandError("conflicting options: either specify --name or provide positional arg, not both");
    }
    const engine = await context.engine();
    const { Name } = await engine.call(
      "volumeCreate",
      defined({
        Name: name ?? values.name,
        Driver: values.driver,
        DriverOpts: pairs(values.opt),
        Labels: pairs(checkedLabels(labelFlag, values.label)),
      }),
    );
    context.out.print(Name);
    return 0;
  },
});
