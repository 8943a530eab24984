import { formatHelp, parseFlags } from "@gantry/cli";
import { printText } from "@gantry/cli/output";
import { version } from "@gantry/common/version";

const flags = {
  help: { type: "boolean", short: "h", doc: "Print this help" },
  version: { type: "boolean", short: "v", doc: "Print the version" },
} as const;

const help = formatHelp({
  usage: "shim [OPTIONS] < BOOTSTRAP",
  summary:
    "Serves one container: its streams, its exit status, its execs.\n" +
    "A supervisor starts it with one line of JSON on standard input, which it then keeps open until the shim has\n" +
    "a container; the shim answers with one line of JSON on standard output: address, pid, version.",
  flags,
  examples: [`(echo '{"directory":"/run/gantry/shims/demo"}'; cat) | shim`],
});

async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, args } = parseFlags(argv, flags);
    if (values.help) return printText("shim: ", help);
    if (values.version) return printText("shim: ", `shim version ${version}\n`);
    if (args.length > 0) throw new Error(`unexpected argument: ${args[0]}\nSee 'shim --help'.`);
    await (await import("./shim.ts")).runShim();
    return 0;
  } catch (error) {
    process.stderr.write(`shim: ${(error as Error).message}\n`);
    return 1;
  }
}

// Sockets and watched descriptors would keep it alive.
main(process.argv.slice(2)).then((code) => process.exit(code));
