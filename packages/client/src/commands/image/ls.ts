import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { listFormat } from "../../config/settings.ts";
import { imageList, imageRows } from "../../format/image-list.ts";
import { renderList } from "../../format/list.ts";
import { parseFilters } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  summary: "List images",
  flags: {
    all: { type: "boolean", short: "a", doc: "Show all images (default hides intermediate images)" },
    digests: { type: "boolean", doc: "Show digests" },
    filter: { type: "list", short: "f", value: "KEY=VALUE", doc: "Filter output based on conditions provided" },
    format: { type: "string", value: "FORMAT", doc: "Format output: table, table TEMPLATE, json or a Go template" },
    "no-trunc": { type: "boolean", doc: "Don't truncate output" },
    quiet: { type: "boolean", short: "q", doc: "Only show image IDs" },
  },
  args: [0, 1],
  examples: ["", "--format '{{.Repository}}:{{.Tag}}'"],
  async run(context, { values, args: [reference] }) {
    const given = parseFilters(values.filter);
    const filters =
      reference === undefined ? given : { ...given, reference: [...(given?.["reference"] ?? []), reference] };
    const format = await listFormat(context, values, "imagesFormat");
    const engine = await context.engine();
    const { Images } = await engine.call("imageList", defined({ All: values.all, Filters: filters }));
    const newestFirst = Images.toSorted((a, b) => b.Created - a.Created);
    const rows = imageRows(newestFirst, values.digests);
    const list = imageList({ truncate: !values["no-trunc"], digests: values.digests, now: Date.now() / 1000 });
    context.out.write(1, renderList(rows, list, { format: withDigests(format, values.digests), quiet: values.quiet }));
    return 0;
  },
});

/** A table of the user's own gets a column of digests with --digests. */
function withDigests(format: string | undefined, digests: boolean): string | undefined {
  if (!digests || !format?.startsWith("table ") || format.includes("{{.Digest}}")) return format;
  return `${format}\t{{.Digest}}`;
}
