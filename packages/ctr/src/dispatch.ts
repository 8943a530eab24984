import { statSync } from "node:fs";
import { argumentProblem, type FlagTable, type Parsed, parseFlags, UnknownFlag, UsageError } from "@gantry/cli";
import { connectionError, parseEndpoint } from "@gantry/cli/endpoint";
import { createLog } from "@gantry/cli/log";
import { type Output, OutputError } from "@gantry/cli/output";
import type { ProcessContext } from "@gantry/cli/program";
import { type Command, CommandError, type Context } from "./command.ts";
import { findCommand } from "./commands/table.ts";
import { globalFlags, versionLine } from "./global-flags.ts";
import { parseDuration } from "./parse/duration.ts";
import { connectSupervisor, type Supervisor } from "./supervisor/connect.ts";
import { describeFailure } from "./supervisor/failure.ts";
import { defaultNamespace, locateSupervisor } from "./supervisor/locate.ts";

const usageExitCode = 1;
const unknownCommandExitCode = 3;
const helpFlag = { help: { type: "boolean", short: "h", doc: "Print this help" } } as const satisfies FlagTable;

/** Flags are read as Go's flag package does: `-tty` is `--tty`. */
const goFlags = { singleDash: true } as const;

/** Runs a command line and returns the exit code. @throws OutputError */
export async function dispatch(argv: readonly string[], process: ProcessContext): Promise<number> {
  const { out } = process;
  let context: Context | undefined;
  try {
    const { values, args } = parseFlags(argv, globalFlags, { ...goFlags, stopAtPositional: true });
    if (values.version) {
      out.print(versionLine);
      return 0;
    }
    const isHelp = args[0] === "help" || args[0] === "h";
    const commandLine = isHelp ? args.slice(1) : args;
    if (commandLine.length === 0) {
      const { rootHelp } = await import("./help/texts.ts");
      out.write(1, rootHelp());
      return 0;
    }
    context = await createContext(process, values);
    return await find(commandLine, values.help || isHelp, context);
  } catch (error) {
    return await fail(error, out, context);
  }
}

async function find(args: readonly string[], wantsHelp: boolean, context: Context): Promise<number> {
  const found = findCommand(args);
  if (found.kind === "unknown") {
    const { name, see, instead } = found;
    const reason = instead === undefined ? `no such command: ${name}` : `${name} is not supported: ${instead}`;
    throw new CommandError(`${reason}\nSee '${see} --help'`, unknownCommandExitCode);
  }
  if (found.kind === "noun") {
    const { nounHelp } = await import("./help/texts.ts");
    context.out.write(1, nounHelp(found.noun));
    return 0;
  }
  const { command } = await found.entry.load();
  const name = `ctr ${found.names.join(" ")}`;
  return await runCommand(command, { name, rest: wantsHelp ? ["--help"] : found.rest }, context);
}

async function runCommand(
  command: Command,
  { name, rest }: { name: string; rest: readonly string[] },
  context: Context,
): Promise<number> {
  const withHelp = { ...command, flags: { ...command.flags, ...helpFlag } };
  let parsed: Parsed<FlagTable>;
  try {
    parsed = parseFlags(rest, withHelp.flags, { ...goFlags, stopAtPositional: command.stopAtPositional ?? false });
  } catch (error) {
    throw refusal(error, command) ?? usage(error, name);
  }
  if (parsed.values["help"] === true) {
    const { commandHelp } = await import("./help/texts.ts");
    context.out.write(1, commandHelp(command, name));
    return 0;
  }
  const problem = argumentProblem(command, parsed.args.length);
  if (problem) throw new CommandError(argumentMessage(command, parsed.args.length, { name, problem }), usageExitCode);
  try {
    return await command.run(context, parsed);
  } catch (error) {
    throw usage(error, name);
  }
}

/** The error for a flag that only containerd's ctr has, with the reason. */
function refusal(error: unknown, { refused = {} }: Command): CommandError | undefined {
  if (!(error instanceof UnknownFlag) || !Object.hasOwn(refused, error.flag)) return undefined;
  return new CommandError(`--${error.flag} is not supported: ${refused[error.flag]}`, usageExitCode);
}

function argumentMessage(
  command: Command,
  given: number,
  { name, problem }: { name: string; problem: string },
): string {
  const tooFew = given < command.args[0];
  const problemText = tooFew && command.missing ? command.missing : `"${name}" ${problem}`;
  return `${problemText}\nUsage: ${name} ${command.usage}\nSee '${name} --help'`;
}

/** Adds a reference to the help to the error of a wrong command line. */
function usage(error: unknown, name: string): unknown {
  return error instanceof UsageError
    ? new CommandError(`${error.message}\nSee '${name} --help'`, usageExitCode)
    : error;
}

async function createContext(process: ProcessContext, values: Parsed<typeof globalFlags>["values"]): Promise<Context> {
  const { out, env } = process;
  const log = createLog(out, values.debug ? "debug" : "info");
  const timeoutMs = parseDuration(values.timeout, "--timeout");
  const connectTimeoutMs = parseDuration(values["connect-timeout"], "--connect-timeout");
  const signal = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined;
  const given = values.address ?? (env["GANTRY_SUPERVISOR"] || undefined);
  const { address, searched } = await locateSupervisor(given, socketChecks);
  const endpoint = parseEndpoint(address, "supervisor");
  let supervisor: Promise<Supervisor> | undefined;
  return {
    ...process,
    log,
    endpoint,
    searched,
    namespace: values.namespace ?? (env["CONTAINERD_NAMESPACE"] || defaultNamespace(endpoint)),
    supervisor() {
      if (!supervisor) {
        log.debug(`connecting to ${endpoint}`);
        supervisor = connectSupervisor({ endpoint, connectTimeoutMs, signal });
      }
      return supervisor;
    },
  };
}

const socketChecks = {
  exists: (path: string): boolean => {
    try {
      statSync(path);
      return true;
    } catch (error) {
      return !["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
    }
  },
  listens: async (path: string): Promise<boolean> => (await connectionError(path)) === undefined,
};

async function fail(error: unknown, out: Output, context: Context | undefined): Promise<number> {
  if (error instanceof OutputError) throw error;
  const shown = usage(error, "ctr");
  const { message, exitCode } = await describeFailure(shown, context ?? { endpoint: "", searched: [] });
  if (message !== "") out.printError(`ctr: ${message}`);
  if (context?.log.debugging && error instanceof Error && error.stack) context.log.debug(error.stack);
  return exitCode;
}
