import * as v from "valibot";
import { absolutePath } from "../contracts/common.ts";

/** Paths of the named pipes of a process. */
export interface FifoPaths {
  readonly stdin?: string;
  readonly stdout: string;
  readonly stderr?: string;
}

/**
 * The named pipes of a process, named as containerd's: DIRECTORY/ID-stdin, ID-stdout, ID-stderr. There is an stdin only
 * where it is to be open, and no stderr with a terminal.
 * @param id the exec's id, or the container's for its first process
 */
export function fifoPaths(directory: string, id: string, stdio: { stdin: boolean; terminal: boolean }): FifoPaths {
  return {
    ...(stdio.stdin ? { stdin: `${directory}/${id}-stdin` } : {}),
    stdout: `${directory}/${id}-stdout`,
    ...(stdio.terminal ? {} : { stderr: `${directory}/${id}-stderr` }),
  };
}

/** One line of the list of directories in a shim's directory (shimFiles.fifos): a JSON string, as a path may hold any byte. */
export function fifoListLine(directory: string): string {
  return `${JSON.stringify(directory)}\n`;
}

/**
 * The directories in such a list. A line that is not whole (its writer was killed) is skipped: a truncated
 * path must never be removed.
 */
export function parseFifoList(text: string): string[] {
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const result = v.safeParse(absolutePath, line.startsWith("/") ? line : parseString(line));
      return result.success ? [result.output] : [];
    });
}

function parseString(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
