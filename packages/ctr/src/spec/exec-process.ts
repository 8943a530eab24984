import { CommandError } from "../command.ts";

export interface ExecOptions {
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly terminal: boolean;
}

/** The OCI process of an exec: the container's own with another command line. @throws CommandError */
export function execProcess(spec: Readonly<Record<string, unknown>>, options: ExecOptions): Record<string, unknown> {
  const { args, cwd, terminal } = options;
  if (cwd !== undefined && !cwd.startsWith("/")) throw new CommandError(`--cwd ${cwd}: must be an absolute path`);
  const { process } = spec;
  const own = typeof process === "object" && process !== null ? process : {};
  const { consoleSize: _, ...rest } = own as Record<string, unknown>;
  return { ...rest, args: [...args], terminal, ...(cwd === undefined ? {} : { cwd }) };
}
