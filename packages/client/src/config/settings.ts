import { defaultDetachKeys, parseDetachKeys } from "@gantry/cli/detach-keys";
import type { Context } from "../command.ts";
import { readConfigFile } from "./config-file.ts";

/** Settings of the configuration file that hold a list's format. */
export type FormatSetting = "psFormat" | "imagesFormat" | "networksFormat" | "volumesFormat" | "statsFormat";

/** The format of a list: --format, else with -q none, else the configuration's. */
export async function listFormat(
  context: Context,
  { format, quiet }: { readonly format?: string | undefined; readonly quiet: boolean },
  setting: FormatSetting,
): Promise<string | undefined> {
  if (format !== undefined && format !== "") return format;
  return quiet ? undefined : await textSetting(context, setting);
}

/** The bytes that detach a client: the flag's, else the configuration's, else Docker's. @throws Error for unknown keys */
export async function detachKeys(context: Context, flag: string | undefined): Promise<Uint8Array> {
  return parseDetachKeys(flag || (await textSetting(context, "detachKeys")) || defaultDetachKeys);
}

/** As docker, a file that cannot be read is a warning only. Names match without regard to case, as in Go. */
async function textSetting(context: Context, name: string): Promise<string | undefined> {
  try {
    const { content } = await readConfigFile(context.env);
    const key = Object.keys(content).findLast((each) => each.toLowerCase() === name.toLowerCase());
    const value = key === undefined ? undefined : content[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch (error) {
    context.log.warn(`the configuration file is ignored: ${(error as Error).message}`);
    return undefined;
  }
}
