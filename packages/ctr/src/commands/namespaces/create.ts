import { anyNumber, defineCommand } from "../../command.ts";
import { parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "NAME [KEY=VALUE...]",
  summary: "Create a new namespace; it must be unique",
  flags: {},
  args: [1, anyNumber],
  missing: "please specify a namespace",
  examples: ["team", "team owner=jane"],
  async run(context, { args: [name = "", ...pairs] }) {
    const labels = parseLabels(pairs);
    const supervisor = await context.supervisor();
    await supervisor.call("namespaces.create", { name, labels });
    return 0;
  },
});
