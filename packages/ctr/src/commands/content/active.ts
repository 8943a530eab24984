import { humanSize } from "@gantry/cli/size";
import { humanDuration } from "@gantry/common/duration";
import { defineCommand } from "../../command.ts";
import { tabbed, table } from "../../format/table.ts";

export const command = defineCommand({
  usage: "[REGEXP]",
  summary: "Display transfers that are under way or can be resumed",
  flags: {},
  refused: {
    root: "the supervisor's own store is shown; another supervisor is given by ctr --address ADDRESS",
    t: "a time limit is given before the command: ctr --timeout DURATION",
    timeout: "a time limit is given before the command: ctr --timeout DURATION",
  },
  args: [0, 1],
  examples: ["", "^layer-"],
  async run({ namespace, out, supervisor: connect }, { args: [pattern] }) {
    const supervisor = await connect();
    const filters = pattern === undefined ? {} : { filters: [`ref~=${JSON.stringify(pattern)}`] };
    const { ingests } = await supervisor.call("content.ingests", { namespace, ...filters });
    const now = Date.now();
    const rows = ingests.map(({ ref, offset, startedAt }) => [
      ref,
      humanSize(offset),
      humanDuration((now - Date.parse(startedAt)) / 1000),
    ]);
    out.write(1, table([["REF", "SIZE", "AGE"], ...rows], tabbed));
    return 0;
  },
});
