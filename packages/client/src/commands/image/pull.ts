import { parseReference } from "@gantry/oci-spec/reference";
import { defineCommand } from "../../command.ts";
import { pullImage } from "../../image/pull.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  summary: "Download an image from a registry",
  flags: {
    platform: { type: "string", value: "OS/ARCH", doc: "Set platform if the image has several" },
    quiet: { type: "boolean", short: "q", doc: "Suppress verbose output" },
  },
  args: [1, 1],
  examples: ["busybox", "localhost:5000/team/app:1.2"],
  async run(context, { values, args: [name = ""] }) {
    const { tag, digest } = parseReference(name);
    if (tag === undefined && digest === undefined && !values.quiet) context.out.print("Using default tag: latest");
    const full = await pullImage(context, name, { target: 1, quiet: values.quiet, platform: values.platform });
    context.out.print(full);
    return 0;
  },
});
