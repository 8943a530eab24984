import { CommandError, type Context } from "../command.ts";
import { readTextFile } from "../parse/text-file.ts";

/** Variables over others: NAME=VALUE replaces or is added, NAME alone removes it. */
export function overlayEnv(base: readonly string[], changes: readonly string[]): string[] {
  const result = new Map(base.map((entry) => [nameOf(entry), entry]));
  for (const change of changes) {
    if (change.includes("=")) result.set(nameOf(change), change);
    else result.delete(change);
  }
  return [...result.values()];
}

/** The lines of an env file; empty ones and those that begin with # are left out. @throws CommandError */
export async function readEnvFile(context: Pick<Context, "cwd">, file: string): Promise<string[]> {
  const text = await readTextFile(context, file);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const wrong = lines.find((line) => line.startsWith("="));
  if (wrong !== undefined) throw new CommandError(`${file}: invalid environment variable: ${wrong}`);
  return lines;
}

function nameOf(entry: string): string {
  return entry.split("=", 1)[0] ?? "";
}
