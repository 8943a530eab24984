import { readFileSync } from "node:fs";
import { fileProblem } from "@gantry/cli/file-problem";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * One -e argument: NAME=VALUE, or NAME alone, which takes its value from the environment and is left out when it
 * has none there.
 * @throws Error
 */
export function parseEnv(text: string, environment: Environment): string | undefined {
  if (text === "" || text.startsWith("=")) throw new Error(`invalid environment variable: ${text}`);
  if (text.includes("=")) return text;
  const value = environment[text];
  return value === undefined ? undefined : `${text}=${value}`;
}

/**
 * Lines of an env file or label file: NAME=VALUE with the value taken literally (no quotes, no comments),
 * or NAME alone. Lines that are empty or begin with # are left out.
 * @throws Error naming the line
 */
export function parseKeyValueFile(
  bytes: Uint8Array,
  file: string,
  lookUp: (name: string) => string | undefined,
): string[] {
  const text = decode(bytes, file);
  return text.split(/\r?\n/).flatMap((raw) => {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) return [];
    const equals = line.indexOf("=");
    const name = equals < 0 ? line : line.slice(0, equals);
    if (name.trimEnd() === "") throw new Error(`poorly formatted environment: no variable name on line '${line}'`);
    if (/\s/.test(equals < 0 ? name.trimEnd() : name))
      throw new Error(`poorly formatted environment: variable '${name}' contains whitespaces`);
    if (equals >= 0) return [line];
    const value = lookUp(name.trimEnd());
    return value === undefined ? [] : [`${name.trimEnd()}=${value}`];
  });
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    // The decoder removes a byte order mark.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`env file ${file} contains invalid utf8 bytes`);
  }
}

/** All variables of --env-file and -e, files first. @throws Error */
export function collectEnv(files: readonly string[], given: readonly string[], environment: Environment): string[] {
  const fromFiles = files.flatMap((file) => readKeyValueFile(file, (name) => environment[name]));
  return [...fromFiles, ...given.flatMap((text) => parseEnv(text, environment) ?? [])];
}

/** Reads such a file. @throws Error with the file's name */
export function readKeyValueFile(file: string, lookUp: (name: string) => string | undefined): string[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Error(`open ${file}: ${fileProblem(error)}`);
  }
  return parseKeyValueFile(bytes, file, lookUp);
}
