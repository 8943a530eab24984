import { existsSync } from "node:fs";
import { listStates, type PrintedState } from "../run/inspect.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";

export const list: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "list",
      operands: "",
      summary: "Lists the containers of this root directory.",
      flags: {
        format: {
          type: "string",
          short: "f",
          value: "FORMAT",
          doc: "output",
          default: "table",
          choices: ["table", "json"],
        },
        quiet: { type: "boolean", short: "q", doc: "print ids only" },
      },
      example: "oci-runtime list -f json",
      count: [0, 0],
    },
    context,
  );
  if (!parsed) return 0;
  const { root } = context.store;
  if (context.rootGiven && !existsSync(root)) throw new Error(`--root ${root}: no such file or directory`);
  const states = listStates(await context.host(), context.store);
  if (parsed.flags.quiet) context.print(states.map(({ id }) => `${id}\n`).join(""));
  else if (parsed.flags.format === "json") context.print(`${JSON.stringify(states)}\n`);
  else context.print(table(states));
  return 0;
};

function table(states: readonly PrintedState[]): string {
  const rows = [
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...states.map(({ id, pid = 0, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(12, ...rows.map((row) => (row[column] ?? "").length + 4))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("")
          .trimEnd()}\n`,
    )
    .join("");
}
