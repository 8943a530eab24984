import { anyNumber, defineCommand } from "../../command.ts";
import { parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "NAME KEY=VALUE...",
  summary: "Set and clear labels of a namespace; an empty value clears the label",
  flags: {},
  args: [1, anyNumber],
  missing: "please specify a namespace",
  examples: ["team owner=jane", "team owner="],
  async run(context, { args: [name = "", ...pairs] }) {
    const labels = parseLabels(pairs);
    const supervisor = await context.supervisor();
    await supervisor.call("namespaces.label", { name, labels });
    return 0;
  },
});
