import { formatReference, parseReference, withDefaultTag } from "@gantry/oci-spec/reference";
import { CommandError } from "../command.ts";

/**
 * An image's name in full, as the supervisor keeps it: busybox is docker.io/library/busybox:latest.
 * @throws CommandError for a text that names no image
 */
export function fullName(text: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)));
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
}
