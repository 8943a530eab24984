import { formatReference, parseReference, withDefaultTag } from "@gantry/oci-spec/reference";
import { CommandError } from "../command.ts";

/**
 * The full name of an image, as the supervisor stores it: busybox is docker.io/library/busybox:latest.
 * @throws CommandError for an invalid name
 */
export function fullName(text: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)));
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}
