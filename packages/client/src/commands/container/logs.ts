import { defined } from "@gantry/cli";
import { Clock } from "@gantry/common/clock";
import { formatUnixTime } from "@gantry/common/timestamp";
import { defineCommand } from "../../command.ts";
import { parseMoment } from "../../parse/time.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Fetch the logs of a container",
  flags: {
    details: { type: "boolean", doc: "Show extra details provided to logs" },
    follow: { type: "boolean", short: "f", doc: "Follow log output" },
    since: { type: "string", value: "TIME", doc: "Show logs since timestamp (2013-01-02T13:23:37Z) or relative (42m)" },
    tail: { type: "string", short: "n", value: "LINES", default: "all", doc: "Lines to show from the end of the logs" },
    timestamps: { type: "boolean", short: "t", doc: "Show timestamps" },
    until: { type: "string", value: "TIME", doc: "Show logs before a timestamp or relative (42m)" },
  },
  args: [1, 1],
  examples: ["-f --tail 100 web", "--since 10m -t web"],
  async run(context, { values, args: [name = ""] }) {
    const nowNs = new Clock().nowNs();
    const moment = (flag: "since" | "until"): string | undefined => {
      const text = values[flag];
      try {
        return text === undefined ? undefined : formatUnixTime(parseMoment(text, nowNs));
      } catch (error) {
        throw new Error(`invalid value for "${flag}": ${(error as Error).message}`);
      }
    };
    const request = {
      Id: name,
      Stdout: true,
      Stderr: true,
      Follow: values.follow,
      Timestamps: values.timestamps,
      Details: values.details,
      Since: moment("since"),
      Until: moment("until"),
      Tail: parseTail(values.tail),
    };
    const engine = await context.engine();
    const stream = engine.open("containerLogs", defined(request));
    for await (const { value, blobs } of stream.items) {
      for (const blob of blobs) {
        const wait = context.out.write(value.stream === "stderr" ? 2 : 1, blob);
        if (wait) await wait;
      }
    }
    await stream.result;
    await context.out.drain();
    return 0;
  },
});

/** As docker: any text but a number means all lines. */
function parseTail(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
