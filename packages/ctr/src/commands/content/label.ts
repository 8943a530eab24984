import { anyNumber, defineCommand } from "../../command.ts";
import { checkDigest } from "../../parse/digest.ts";
import { formatLabels, parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "DIGEST [KEY=VALUE...]",
  summary: "Set and clear labels of a blob; an empty value clears the label",
  flags: {},
  args: [1, anyNumber],
  missing: "please provide a digest",
  examples: ["sha256:… stage=test"],
  async run({ namespace, out, supervisor: connect }, { args: [text = "", ...pairs] }) {
    const request = { namespace, digest: checkDigest(text), labels: parseLabels(pairs) };
    const supervisor = await connect();
    const { labels } = await supervisor.call("content.label", request);
    out.print(formatLabels(labels));
    return 0;
  },
});
