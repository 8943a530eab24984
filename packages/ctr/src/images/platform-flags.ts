import { parsePlatform } from "@gantry/oci-spec";
import { CommandError } from "../command.ts";

/** Checks a platform. @throws CommandError */
export function checkPlatform(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    parsePlatform(text);
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  return text;
}
