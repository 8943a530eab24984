import { promisify } from "node:util";
import { containerPids } from "../run/inspect.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const ps: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "ps",
      operands: "ID [PS OPTIONS]",
      summary: "Lists the processes of a container, by ps(1) or as a JSON list of ids on the host.",
      flags: {
        format: {
          type: "string",
          short: "f",
          value: "FORMAT",
          doc: "output",
          default: "table",
          choices: ["table", "json"],
        },
      },
      example: "oci-runtime ps --format json box",
      count: [1, Number.POSITIVE_INFINITY],
      passesOn: true,
    },
    context,
  );
  if (!parsed) return 0;
  const [id = "", ...options] = parsed.operands;
  const pids = containerPids(await context.host(), context.store, id);
  if (parsed.flags.format === "json") context.print(`${JSON.stringify(pids)}\n`);
  else context.print(onlyPids(await psOutput(options), pids));
  return 0;
};

async function psOutput(options: readonly string[]): Promise<string> {
  const { execFile } = await import("node:child_process");
  const run = promisify(execFile);
  return (await run("ps", options.length > 0 ? options : ["-ef"], { maxBuffer: 1 << 26 })).stdout;
}

/** The lines of ps's output for these processes, found by its column PID. */
function onlyPids(output: string, pids: readonly number[]): string {
  const [header = "", ...lines] = output.split("\n");
  const column = header.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new Error("the ps options must give output with a column PID");
  const wanted = new Set(pids);
  const kept = lines.filter((line) => wanted.has(Number(line.trim().split(/\s+/)[column])));
  return `${[header, ...kept].join("\n")}\n`;
}
