import { anyNumber, defineCommand } from "../../command.ts";
import { eventLine } from "../../format/event.ts";
import { filtersOf } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[FILTER...]",
  summary: "Display events of all namespaces as they occur, all or those that match a filter",
  flags: {},
  args: [0, anyNumber],
  examples: ["", "topic~=/tasks/", "namespace==team,topic==/tasks/exit"],
  async run({ out, supervisor: connect }, { args }) {
    const supervisor = await connect();
    const stream = supervisor.open("events.subscribe", filtersOf(args));
    for await (const { value } of stream.items)
      await out.write(
        1,
        `${eventLine(value)}
`,
      );
    await stream.result;
    return 0;
  },
});
