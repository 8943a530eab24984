import type { Plugin } from "@gantry/ipc/contracts/supervisor";
import { anyNumber, defineCommand } from "../../command.ts";
import { looseTable, table, wide } from "../../format/table.ts";
import { filtersOf } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "List the supervisor's parts, and whether they work on this machine",
  flags: {
    quiet: { type: "boolean", short: "q", doc: "Print only the ids" },
    detailed: { type: "boolean", short: "d", doc: "Print detailed information" },
  },
  args: [0, anyNumber],
  examples: ["", "-d", "type~=snapshotter"],
  async run({ out, supervisor: connect }, { values, args }) {
    const supervisor = await connect();
    const { plugins } = await supervisor.call("introspection.plugins", filtersOf(args));
    if (values.quiet) for (const { id } of plugins) out.print(id);
    else if (values.detailed) for (const plugin of plugins) out.write(1, details(plugin));
    else out.write(1, table([["TYPE", "ID", "PLATFORMS", "STATUS"], ...plugins.map(row)], wide));
    return 0;
  },
});

function row(plugin: Plugin): string[] {
  const status = plugin.error ? (plugin.error.skip ? "skip" : "error") : "ok";
  return [plugin.type, plugin.id, plugin.platforms.join(",") || "-", status];
}

function details({ type, id, requires, platforms, capabilities, exports, error }: Plugin): string {
  const rows = [
    ["Type:", type],
    ["ID:", id],
    ...(requires.length > 0 ? [["Requires:", requires.join(", ")]] : []),
    ...(platforms.length > 0 ? [["Platforms:", platforms.join(", ")]] : []),
    ...(capabilities.length > 0 ? [["Capabilities:", capabilities.join(", ")]] : []),
    ...Object.entries(exports).map(([key, value], at) => [at === 0 ? "Exports:" : "", `${key}  ${value}`]),
    ...(error ? [["Error:", error.message]] : []),
  ];
  return `${looseTable(rows, wide)}\n`;
}
