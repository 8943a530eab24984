import { resolve } from "node:path";
import { fileProblem } from "@gantry/cli/file-problem";
import { CommandError, type Context } from "../command.ts";

/** Text of a file that a flag names. @throws CommandError `open FILE: no such file or directory` */
export async function readTextFile({ cwd }: Pick<Context, "cwd">, file: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new CommandError(`open ${file}: ${fileProblem(error)}`);
  }
}
