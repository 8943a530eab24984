import { UsageError } from "@gantry/cli";
import { containerEnd, containerStats } from "../run/inspect.ts";
import { parseArguments } from "./arguments.ts";
import type { Command, Context } from "./context.ts";

export const events: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "events",
      operands: "ID",
      summary:
        "Prints a container's statistics and out-of-memory events as JSON, one object a line, until the container stops.",
      flags: {
        interval: { type: "string", value: "DURATION", doc: "interval of the statistics", default: "5s" },
        stats: { type: "boolean", doc: "print the statistics once and exit" },
      },
      example: "oci-runtime events --stats box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const [id = ""] = parsed.operands;
  const milliseconds = durationMs(parsed.flags.interval);
  const host = await context.host();
  const line = (type: string, data?: unknown) => context.print(`${JSON.stringify({ type, id, data })}\n`);
  const figures = async () => line("stats", await containerStats(host, context.store, id));
  if (parsed.flags.stats) {
    await figures();
    return 0;
  }
  await untilEnd(id, context, { milliseconds, figures, onOom: () => line("oom") });
  return 0;
};

interface Reports {
  readonly milliseconds: number;
  readonly figures: () => Promise<void>;
  readonly onOom: () => void;
}

async function untilEnd(id: string, context: Context, { milliseconds, figures, onOom }: Reports): Promise<void> {
  const host = await context.host();
  const { watchOom } = await import("../run/limits/oom.ts");
  const ended = containerEnd(host, context.store, id);
  const stop = watchOom(host, context.store.load(id).cgroups, onOom);
  // It fails when the container has ended, which is about to be reported.
  const timer = setInterval(() => void figures().catch(() => {}), milliseconds);
  try {
    await ended;
  } finally {
    clearInterval(timer);
    stop();
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "5s", "200ms", "1m30s". @throws UsageError */
function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smh])/g)];
  const sum = parts.reduce((total, [, count, unit = ""]) => total + Number(count) * (units[unit] ?? 0), 0);
  if (sum > 0 && parts.map(([part]) => part).join("") === text) return sum;
  throw new UsageError(`invalid value "${text}" for --interval: must be a time above 0 such as 5s, 200ms or 1m30s`);
}
