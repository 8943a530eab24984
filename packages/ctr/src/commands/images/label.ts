import { anyNumber, defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { formatLabels, parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME [KEY=VALUE...]",
  summary: "Set and clear labels of an image; an empty value clears the label",
  flags: { "replace-all": { type: "boolean", short: "r", doc: "Replace all labels" } },
  args: [1, anyNumber],
  missing: "please specify an image",
  examples: ["busybox stage=test", "busybox stage="],
  async run({ namespace, out, supervisor: connect }, { values, args: [name = "", ...pairs] }) {
    const request = { namespace, name: fullName(name), labels: parseLabels(pairs), replace: values["replace-all"] };
    const supervisor = await connect();
    const { labels } = await supervisor.call("images.label", request);
    out.print(formatLabels(labels));
    return 0;
  },
});
