import { downloadToOutput } from "@gantry/cli/download";
import { defineCommand } from "../../command.ts";
import { checkDigest } from "../../parse/digest.ts";

export const command = defineCommand({
  usage: "DIGEST",
  summary: "Write a blob to standard output",
  flags: {},
  args: [1, 1],
  missing: "please provide a digest",
  examples: ["sha256:… | jq ."],
  async run({ namespace, out, supervisor: connect }, { args: [text = ""] }) {
    const digest = checkDigest(text);
    const supervisor = await connect();
    await downloadToOutput(out, supervisor.open("content.read", { namespace, digest }));
    return 0;
  },
});
