import { promisify } from "node:util";
import { alignTabs } from "@gantry/cli/tabwriter";
import { anyNumber, CommandError, defineCommand } from "../../command.ts";
import { columnStyle } from "../../format/text.ts";

export const command = defineCommand({
  usage: "CONTAINER [ps OPTIONS]",
  summary: "Display the running processes of a container",
  flags: {},
  args: [1, anyNumber],
  stopAtPositional: true,
  examples: ["web", "web -o pid,comm"],
  async run(context, { args: [container = "", ...options] }) {
    const engine = await context.engine();
    const { Pids } = await engine.call("containerTop", { Id: container });
    const table = await hostProcesses(options.length > 0 ? options : ["-ef"]);
    context.out.write(1, alignTabs(rowsOf(table, new Set(Pids)), columnStyle));
    return 0;
  },
});

/** The engine is on this machine, so its process ids are those of ps here. */
async function hostProcesses(options: readonly string[]): Promise<string> {
  try {
    const { execFile } = await import("node:child_process");
    return (await promisify(execFile)("ps", options, { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") throw new CommandError("listing processes needs the program ps, which is not installed");
    throw new CommandError(`Error: ps: ${stderr?.trim().split("\n")[0] || message}`);
  }
}

/** The header and the lines of these processes, their cells separated by tabs. */
function rowsOf(table: string, pids: ReadonlySet<number>): string {
  const [header = "", ...lines] = table.trimEnd().split("\n");
  const titles = header.trim().split(/\s+/);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0) throw new CommandError("Couldn't find PID field in ps output");
  const cells = (line: string): string[] => {
    const fields = line.trim().split(/\s+/);
    return [...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(" ")];
  };
  const wanted = lines.map(cells).filter((row) => pids.has(Number(row[pidColumn])));
  return [titles, ...wanted].map((row) => `${row.join("\t")}\n`).join("");
}
