import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { ownDisk } from "./disk.ts";
import { measurements } from "./rows.ts";
import { Setting } from "./setting.ts";
import { formatRow, header, type Row } from "./table.ts";

const help = `Usage:  tools/bench [--with-peers] [--json FILE] [NAME]...

Runs ours and the peer in turn and prints  name  ours  peer  ratio : medians, with the least and the greatest.
A NAME is a row or the start of several.

  --with-peers   install Debian's docker.io, containerd, podman, runc and crun first
  --json FILE    also write the rows to a file

Rows:
${measurements.map((measurement) => `  ${measurement.name}`).join("\n")}

Example:
  tools/bench --with-peers run-
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { help: { type: "boolean", short: "h" }, json: { type: "string" }, "with-peers": { type: "boolean" } },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const chosen = measurements.filter(
    ({ name }) => positionals.length === 0 || positionals.some((asked) => name.startsWith(asked)),
  );
  if (chosen.length === 0) throw new Error(`no row is named ${positionals.join(", ")}: see tools/bench --help`);
  const rows: Row[] = [];
  process.stdout.write(`${header}\n`);
  await using _disk = await ownDisk();
  await using setting = new Setting();
  for (const measurement of chosen) {
    const row = await measurement.run(setting);
    rows.push(row);
    process.stdout.write(`${formatRow(row)}\n`);
  }
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ cpus: cpus().length, node: process.version, rows }, null, 2)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`tools/bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
