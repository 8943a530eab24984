import { anyNumber, defineCommand } from "../../command.ts";
import { formatBytes } from "../../format/bytes.ts";
import { table, tight } from "../../format/table.ts";
import { imageParts } from "../../images/parts.ts";
import { selectImages } from "../../images/select.ts";
import { formatLabels } from "../../parse/labels.ts";

const heading = ["REF", "TYPE", "DIGEST", "SIZE", "PLATFORMS", "LABELS"];

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "List images, all or those that match a filter",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the images' names" } },
  args: [0, anyNumber],
  examples: ["", "-q", "name~=busybox"],
  async run(context, { values, args }) {
    const images = await selectImages(context, args);
    if (values.quiet) {
      for (const { name } of images) context.out.print(name);
      return 0;
    }
    const source = { supervisor: await context.supervisor(), namespace: context.namespace };
    const rows = await Promise.all(
      images.map(async ({ name, target, labels }) => {
        const { needed, platforms } = await imageParts(source, target);
        const size = formatBytes(needed.reduce((sum, part) => sum + part.size, 0));
        return [name, target.mediaType, target.digest, size, platforms.join(",") || "-", formatLabels(labels, "-")];
      }),
    );
    context.out.write(1, table([heading, ...rows], tight));
    return 0;
  },
});
