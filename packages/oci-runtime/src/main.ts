import { formatHelp, parseFlags, UsageError } from "@gantry/cli";
import { OutputError, reportOutputError, writeNow } from "@gantry/cli/output";
import { version } from "@gantry/common/version";
import { globalFlags, helpText, isCommand } from "./commands/table.ts";
import { commit } from "./commit.ts";

/** As of runc. */
const noSuchCommand = 3;

/** Answers --help and --version itself, and loads the command's module for all else. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, args } = parseFlags(argv, globalFlags, { stopAtPositional: true });
    if (values.version) return print(versionText());
    const [command, ...rest] = args;
    if (command === undefined || command === "help" || values.help) return print(formatHelp(helpText));
    if (!isCommand(command)) return refuse(`unknown command "${command}"; see oci-runtime --help`, noSuchCommand);
    if (command === "worker") return await work([...argv.slice(0, argv.length - args.length), ...rest]);
    const { runCommand } = await import("./commands/run-command.ts");
    return await runCommand(command, rest, { ...values, environment: process.env });
  } catch (error) {
    if (error instanceof OutputError) return reportOutputError("oci-runtime: ", error);
    if (!(error instanceof UsageError)) throw error;
    return refuse(error.message, 1);
  }
}

function versionText(): string {
  return `oci-runtime version ${version}\n${commit && `commit: ${commit}\n`}spec: 1.3.0\n`;
}

async function work(argv: readonly string[]): Promise<number> {
  const { becomeWorker } = await import("./commands/worker.ts");
  try {
    return becomeWorker(argv, process.env["PATH"]);
  } catch (error) {
    return refuse((error as Error).message, 1);
  }
}

function refuse(message: string, status: number): number {
  writeNow(2, `oci-runtime: ${message}\n`);
  return status;
}

function print(text: string): number {
  writeNow(1, text);
  return 0;
}

void main(process.argv.slice(2)).then((status) => process.exit(status));
