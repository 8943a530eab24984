import { defined } from "@gantry/cli";
import { openSource, upload } from "@gantry/cli/upload";
import { defineCommand } from "../../command.ts";
import { checkDigest } from "../../parse/digest.ts";

export const command = defineCommand({
  usage: "[OPTIONS] KEY",
  summary: "Take standard input into the content store",
  flags: {
    "expected-size": { type: "integer", value: "BYTES", doc: "Size that it must have" },
    "expected-digest": { type: "string", value: "DIGEST", doc: "Digest that it must have" },
  },
  args: [1, 1],
  missing: "please provide a key for the ingest",
  examples: ["work < layer.tar", "--expected-digest sha256:… work < layer.tar"],
  async run({ namespace, out, supervisor: connect }, { values, args: [ref = ""] }) {
    const expected = values["expected-digest"];
    const digest = expected === undefined ? undefined : checkDigest(expected);
    const size = values["expected-size"] || undefined;
    const supervisor = await connect();
    const stream = supervisor.open(
      "content.ingest",
      defined({ namespace, ref, offset: 0, total: size, expected: digest }),
    );
    stream.result.catch(() => {});
    await upload(stream, await openSource(undefined));
    await stream.result;
    const blob = await supervisor.call("content.commit", defined({ namespace, ref, digest, size }));
    out.print(blob.digest);
    return 0;
  },
});
