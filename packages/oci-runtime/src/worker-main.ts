import { type FlagTable, formatHelp, type HelpText, parseFlags, UsageError } from "@gantry/cli";
import { reportOutputError, writeNow } from "@gantry/cli/output";
import { version } from "@gantry/common/version";
import { makeContext } from "./commands/context.ts";
import { globalFlags } from "./commands/table.ts";

const flags = {
  address: { type: "string", value: "ENDPOINT", doc: "ipc://PATH of the socket to make" },
  ...globalFlags,
} as const satisfies FlagTable;

const helpText: HelpText = {
  usage: "oci-runtime-worker --address ENDPOINT [OPTIONS]",
  summary:
    "Serves the runtime contract until standard input ends. One JSON line on standard output says where: address, pid, version.",
  flags,
  examples: [
    "oci-runtime-worker --address ipc:///run/box/runtime.sock",
    "oci-runtime worker --address ipc:///run/box/runtime.sock   # the same",
  ],
};

async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, args } = parseFlags(argv, flags);
    if (values.help) writeNow(1, formatHelp(helpText));
    else if (values.version) writeNow(1, `oci-runtime-worker version ${version}\n`);
    else if (args.length > 0) throw new UsageError(`wants no arguments, not ${args.length} argument(s)`);
    else if (values.address === undefined) throw new UsageError("wants --address ipc://PATH");
    else await serve(values.address, values);
    return 0;
  } catch (error) {
    return reportOutputError("oci-runtime-worker: ", error);
  }
}

async function serve(address: string, values: Omit<Parameters<typeof makeContext>[0], "environment">): Promise<void> {
  const { serveWorker } = await import("./worker/serve.ts");
  await serveWorker(makeContext({ ...values, environment: process.env }), address, version);
}

void main(process.argv.slice(2)).then((status) => process.exit(status));
