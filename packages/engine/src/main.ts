import { parseFlags, UsageError } from "@gantry/cli";
import { printText } from "@gantry/cli/output";
import { version } from "@gantry/common/version";
import { engineOptions, helpText, serveFlags, shutdownFlags, shutdownHelp } from "./options.ts";

async function main(argv: readonly string[]): Promise<number> {
  try {
    return argv[0] === "shutdown" ? await shutdown(argv.slice(1)) : await serve(argv);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const hint = error instanceof UsageError ? "\nSee 'engine --help'." : "";
    process.stderr.write(`engine: ${text}${hint}\n`);
    return 1;
  }
}

async function serve(argv: readonly string[]): Promise<number> {
  const { values, args } = parseFlags(argv, serveFlags);
  if (values.help) return print(helpText);
  if (values.version) return print(`engine version ${version}\n`);
  if (args.length > 0) throw new UsageError(`unexpected argument: ${args[0]}`);
  const locations = { self: process.execPath, path: process.env["PATH"] ?? "" };
  const options = engineOptions(values, locations);
  const [{ createLog }, { startEngine }] = await Promise.all([import("./create-log.ts"), import("./engine.ts")]);
  const log = createLog(values["log-level"]);
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  const engine = await startEngine(options, log);
  // An unhandled rejection must not crash the daemon.
  process.on("unhandledRejection", (error) => log.error({ error: String(error) }, "unhandled failure"));
  print(`engine ${version} listens on ${engine.endpoint}\n`);
  await Promise.race([signalled, engine.ended]);
  await engine.close();
  return 0;
}

async function shutdown(argv: readonly string[]): Promise<number> {
  const { values, args } = parseFlags(argv, shutdownFlags);
  if (values.help) return print(shutdownHelp);
  if (args.length > 0) throw new UsageError(`unexpected argument: ${args[0]}`);
  const { requestShutdown } = await import("./request-shutdown.ts");
  await requestShutdown(values.host ?? `ipc://${values.state}/engine.sock`);
  return 0;
}

function print(text: string): number {
  return printText("engine: ", text);
}

// Open sockets would keep the process alive.
main(process.argv.slice(2)).then((code) => process.exit(code));
