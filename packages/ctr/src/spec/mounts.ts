import { splitCsv } from "@gantry/cli/csv";
import type { Mount } from "@gantry/oci-spec/runtime";
import { CommandError } from "../command.ts";

const fields: Readonly<Record<string, "type" | "source" | "destination" | "options">> = {
  type: "type",
  source: "source",
  src: "source",
  destination: "destination",
  dst: "destination",
  options: "options",
};

/**
 * One --mount: type=bind,src=/tmp,dst=/host,options=rbind:ro.
 * @throws CommandError with ctr's message
 */
export function parseMount(text: string): Mount {
  const mount: Record<string, string> = {};
  for (const field of splitCsv(text)) {
    const equals = field.indexOf("=");
    if (equals < 0) throw new CommandError(`invalid mount specification: expected key=val, not "${field}"`);
    const name = fields[field.slice(0, equals)];
    if (!name)
      throw new CommandError(
        `mount option "${field.slice(0, equals)}" not supported: must be one of ${Object.keys(fields).join(", ")}`,
      );
    mount[name] = field.slice(equals + 1);
  }
  const { type, source, destination, options } = mount;
  if (!destination?.startsWith("/")) throw new CommandError(`mount "${text}": dst must be an absolute path`);
  return {
    destination,
    ...(type === undefined ? {} : { type }),
    ...(source === undefined ? {} : { source }),
    ...(options === undefined ? {} : { options: options.split(":") }),
  };
}

/** The host's files for name resolution, for a container in the host's network. */
export function hostNetworkFiles(): Mount[] {
  return ["/etc/hosts", "/etc/resolv.conf"].map((path) => ({
    destination: path,
    type: "bind",
    source: path,
    options: ["rbind", "ro"],
  }));
}
