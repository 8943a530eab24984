import { parseReference } from "@gantry/oci-spec/reference";
import { CommandError } from "../command.ts";

/** The registry's domain of a command line argument: localhost:5000, https://registry.example/v2/. @throws CommandError */
export function registryDomain(server: string): string {
  const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  try {
    const { domain, path } = parseReference(`${host}/x/x`);
    if (path === "x/x") return domain;
  } catch {
    // Reported below.
  }
  throw new CommandError(`"${server}" is not a registry's name: it is like registry.example or localhost:5000`);
}
