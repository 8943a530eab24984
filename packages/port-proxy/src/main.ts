import metadata from "../package.json" with { type: "json" };

/** Exit status: 1 when it cannot serve, 2 for a wrong command line. */
async function main(argv: readonly string[]): Promise<void> {
  const { parseCommand, helpText } = await import("./options.ts");
  const { reportStart } = await import("./descriptors.ts");
  try {
    const command = parseCommand(argv);
    if ("show" in command) {
      const { printText } = await import("@gantry/cli/output");
      const text = command.show === "help" ? helpText() : `port-proxy version ${metadata.version}\n`;
      process.exitCode = printText("port-proxy: ", text);
      return;
    }
    const { startProxy } = await import("./proxy.ts");
    const proxy = startProxy(command.serve);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        proxy.close();
        process.exit(0);
      });
    }
    reportStart();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    reportStart(message);
    process.stderr.write(`port-proxy: ${message}\n`);
    process.exit(error instanceof Error && error.name === "UsageError" ? 2 : 1);
  }
}

void main(process.argv.slice(2));
