import { isDigest } from "@gantry/oci-spec";
import { CommandError } from "../command.ts";

/** Checks a digest. @throws CommandError */
export function checkDigest(text: string): string {
  if (isDigest(text)) return text;
  throw new CommandError(`invalid checksum digest format: "${text}" must be sha256:<64 hex> or sha512:<128 hex>`);
}
