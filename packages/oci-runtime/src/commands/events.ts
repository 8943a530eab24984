import { setTimeout as delay } from "node:timers/promises";
import { containerState, containerStats } from "../run/inspect.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const events: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "events",
      operands: "ID",
      summary: "Prints a container's figures as JSON, one object a line, until it has stopped.",
      flags: {
        interval: { type: "string", value: "DURATION", doc: "time between two lines", default: "5s" },
        stats: { type: "boolean", doc: "print them once and end" },
      },
      example: "oci-runtime events --stats box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const [id = ""] = parsed.operands;
  const host = await context.host();
  const milliseconds = durationMs(parsed.flags.interval);
  for (;;) {
    context.print(`${JSON.stringify({ type: "stats", id, data: containerStats(host, context.store, id) })}\n`);
    if (parsed.flags.stats) return 0;
    await delay(milliseconds);
    if (containerState(host, context.store, id).status === "stopped") return 0;
  }
};

/** "5s", "200ms", "1m". */
function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!match) throw new Error(`invalid --interval "${text}": give a time such as 5s, 200ms or 1m`);
  const unit = { ms: 1, s: 1000, m: 60_000 }[match[2] as "ms" | "s" | "m"];
  return Number(match[1]) * unit;
}
