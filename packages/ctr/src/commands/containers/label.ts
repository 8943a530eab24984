import { anyNumber, defineCommand } from "../../command.ts";
import { formatLabels, parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "CONTAINER [KEY=VALUE...]",
  summary: "Set and clear labels of a container; an empty value clears the label",
  flags: {},
  args: [1, anyNumber],
  missing: "container id must be provided",
  examples: ["redis stage=test", "redis stage="],
  async run({ namespace, out, supervisor: connect }, { args: [id = "", ...pairs] }) {
    const changes = parseLabels(pairs);
    const supervisor = await connect();
    const before = await supervisor.call("containers.get", { namespace, id });
    const merged = Object.entries({ ...before.labels, ...changes }).filter(([, value]) => value !== "");
    const { labels } = await supervisor.call("containers.update", {
      namespace,
      id,
      labels: Object.fromEntries(merged),
    });
    out.print(formatLabels(labels));
    return 0;
  },
});
