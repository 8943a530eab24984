import { humanSize } from "@gantry/cli/size";
import { ago } from "@gantry/common/duration";
import { defineCommand } from "../../command.ts";
import { type ListFormat, renderList } from "../../format/list.ts";
import { ellipsis, shortId } from "../../format/text.ts";

const shownColumns = 45;

/** One step of an image's history, as the engine reports it. */
interface Step {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
}

interface Shown {
  readonly human: boolean;
  readonly truncate: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

function historyList({ human, truncate, now }: Shown): ListFormat<Step> {
  const createdAt = ({ Created }: Step) => new Date(Created * 1000).toISOString().replace(".000Z", "Z");
  const createdSince = ({ Created }: Step) => (Created > 0 ? ago(Created, now) : "N/A");
  const createdBy = ({ CreatedBy }: Step) => {
    const line = CreatedBy.replaceAll("\t", " ");
    return truncate ? ellipsis(line, shownColumns) : line;
  };
  return {
    typeName: "*formatter.historyContext",
    standard: `table {{.ID}}\t{{.${human ? "CreatedSince" : "CreatedAt"}}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
    quiet: "{{.ID}}",
    columns: {
      Comment: { header: "COMMENT", value: ({ Comment }) => Comment },
      CreatedAt: { header: "CREATED AT", value: createdAt },
      CreatedBy: { header: "CREATED BY", value: createdBy },
      CreatedSince: { header: "CREATED", value: createdSince },
      ID: { header: "IMAGE", value: ({ Id }) => (truncate && Id.startsWith("sha256:") ? shortId(Id) : Id) },
      Size: { header: "SIZE", value: ({ Size }) => (human ? humanSize(Size, 3) : String(Size)) },
    },
  };
}

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE",
  summary: "Show the history of an image",
  flags: {
    format: { type: "string", value: "FORMAT", doc: "Format output: table, table TEMPLATE, json or a Go template" },
    human: { type: "boolean", short: "H", default: true, doc: "Print sizes and dates in human readable format" },
    "no-trunc": { type: "boolean", doc: "Don't truncate output" },
    quiet: { type: "boolean", short: "q", doc: "Only show image IDs" },
  },
  args: [1, 1],
  examples: ["busybox", "--no-trunc --format '{{.CreatedBy}}' busybox"],
  async run(context, { values, args: [name = ""] }) {
    const engine = await context.engine();
    const { Items } = await engine.call("imageHistory", { Name: name });
    const list = historyList({ human: values.human, truncate: !values["no-trunc"], now: Date.now() / 1000 });
    context.out.write(1, renderList(Items, list, values));
    return 0;
  },
});
