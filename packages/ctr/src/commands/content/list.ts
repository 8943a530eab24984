import { humanSize } from "@gantry/cli/size";
import { humanDuration } from "@gantry/common/duration";
import { anyNumber, defineCommand } from "../../command.ts";
import { looseTable, tabbed } from "../../format/table.ts";
import { allBlobs } from "../../images/all-blobs.ts";
import { formatLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "List the blobs in the content store, all or those that match a filter",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the blobs' digests" } },
  args: [0, anyNumber],
  examples: ["", "-q", 'labels."containerd.io/gc.root"'],
  async run(context, { values, args }) {
    const source = { supervisor: await context.supervisor(), namespace: context.namespace };
    const blobs = await allBlobs(source, args);
    if (values.quiet) {
      for (const { digest } of blobs) context.out.print(digest);
      return 0;
    }
    const now = Date.now();
    const rows = blobs.map(({ digest, size, createdAt, labels }) => {
      const age = humanDuration((now - Date.parse(createdAt)) / 1000);
      return [digest, humanSize(size), age, formatLabels(labels, "-")];
    });
    context.out.write(1, looseTable([["DIGEST", "SIZE", "AGE", "LABELS"], ...rows], tabbed));
    return 0;
  },
});
