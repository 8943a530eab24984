import { argumentProblem, type FlagTable, type Parsed, parseFlags, UsageError } from "@gantry/cli";
import { parseEndpoint } from "@gantry/cli/endpoint";
import { createLog, type LogLevel } from "@gantry/cli/log";
import { type Output, OutputError } from "@gantry/cli/output";
import type { ProcessContext } from "@gantry/cli/program";
import { type Command, CommandError, type Context } from "./command.ts";
import { type Entry, findCommand } from "./commands/table.ts";
import { connectEngine, type Engine } from "./engine/connect.ts";
import { describeFailure } from "./engine/failure.ts";
import { defaultHost } from "./engine/host.ts";
import { globalFlags, versionLine } from "./global-flags.ts";

const usageExitCode = 125;
const helpFlag = { help: { type: "boolean", doc: "Print this help" } } as const satisfies FlagTable;

/** Runs a command line and returns the exit code. @throws OutputError */
export async function dispatch(argv: readonly string[], process: ProcessContext): Promise<number> {
  let global: Parsed<typeof globalFlags>;
  try {
    global = parseFlags(argv, globalFlags, { stopAtPositional: true });
  } catch (error) {
    return usageError(process.out, error, "client");
  }
  const { values, args } = global;
  if (values.version) {
    process.out.print(versionLine);
    return 0;
  }
  const isHelp = args[0] === "help";
  const commandLine = isHelp ? args.slice(1) : args;
  if (commandLine.length === 0) {
    const { rootHelp } = await import("./help/texts.ts");
    process.out.write(1, rootHelp());
    return 0;
  }
  const wantsHelp = values.help || isHelp;
  const context = createContext(process, values);
  try {
    return await find(commandLine, wantsHelp, context);
  } catch (error) {
    return fail(error, context);
  }
}

async function find(args: readonly string[], wantsHelp: boolean, context: Context): Promise<number> {
  const found = findCommand(args);
  if (found.kind === "unknown") {
    throw new CommandError(`client: '${found.name}' is not a client command.\nSee 'client --help'`);
  }
  if (found.kind === "noun") {
    const { nounHelp } = await import("./help/texts.ts");
    context.out.write(1, nounHelp(found.noun));
    return 0;
  }
  const { command } = await found.entry.load();
  const rest = wantsHelp ? ["--help"] : args.slice(found.names.length);
  return runCommand(command, { entry: found.entry, names: found.names, rest }, context);
}

async function runCommand(
  command: Command,
  { entry, names, rest }: { entry: Entry; names: readonly string[]; rest: readonly string[] },
  context: Context,
): Promise<number> {
  const name = names.join(" ");
  let parsed: Parsed<FlagTable>;
  try {
    parsed = parseFlags(
      rest,
      { ...command.flags, ...helpFlag },
      { stopAtPositional: command.stopAtPositional ?? false },
    );
  } catch (error) {
    return usageError(context.out, error, `client ${name}`);
  }
  if (parsed.values["help"] === true) {
    const { commandHelp } = await import("./help/texts.ts");
    context.out.write(1, commandHelp(command, name, entry));
    return 0;
  }
  const problem = argumentProblem(command, parsed.args.length);
  if (problem) {
    const usage = `Usage:  client ${name} ${command.usage}`.trimEnd();
    throw new CommandError(
      `"client ${name}" ${problem}.\nSee 'client ${name} --help'.\n\n${usage}\n\n${command.summary}`,
    );
  }
  try {
    return await command.run(context, parsed);
  } catch (error) {
    if (error instanceof UsageError) return usageError(context.out, error, `client ${name}`);
    throw error;
  }
}

function createContext(process: ProcessContext, values: Parsed<typeof globalFlags>["values"]): Context {
  const { out, env } = process;
  let engine: Promise<Engine> | undefined;
  const level = values.debug ? "debug" : (values["log-level"] as LogLevel);
  const log = createLog(out, level);
  const host = values.host ?? (env["GANTRY_HOST"] || defaultHost);
  return {
    ...process,
    env: values.config === undefined ? env : { ...env, DOCKER_CONFIG: values.config },
    log,
    get host() {
      return parseEndpoint(host, "engine");
    },
    engine() {
      if (!engine) {
        const endpoint = parseEndpoint(host, "engine");
        log.debug(`connecting to ${endpoint}`);
        engine = connectEngine(endpoint);
      }
      return engine;
    },
  };
}

function usageError(out: Output, error: unknown, name: string): number {
  if (!(error instanceof UsageError)) throw error;
  out.printError(`${error.message}\nSee '${name} --help'.`);
  return usageExitCode;
}

async function fail(error: unknown, context: Context): Promise<number> {
  if (error instanceof OutputError) throw error;
  const { message, exitCode } = await describeFailure(error, context);
  if (message !== "") context.out.printError(message);
  if (context.log.debugging && error instanceof Error && error.stack) context.log.debug(error.stack);
  return exitCode;
}
