import { defineCommand } from "../../command.ts";
import { defaultSpec } from "../../spec/default-spec.ts";

export const command = defineCommand({
  usage: "",
  summary: "See the default OCI spec that containers are made from",
  flags: {},
  args: [0, 0],
  examples: ["", "> config.json"],
  async run({ namespace, out }) {
    out.print(JSON.stringify(defaultSpec(namespace), null, 4));
    return 0;
  },
});
