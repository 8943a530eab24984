/** Addresses of a supervisor that was started alone, and of an engine's supervisor. */
const ownAddress = "/run/gantry/supervisor.sock";
const engineAddress = "/run/gantry/supervisor/supervisor.sock";
export const searchedAddresses = [ownAddress, engineAddress] as const;

/** The namespace of the engine's containers and images. */
const engineNamespace = "gantry";
const plainNamespace = "default";

export interface SocketChecks {
  /** False only where there is certainly no file of this name. */
  exists(path: string): boolean;
  /** Whether a program listens on the socket. */
  listens(path: string): Promise<boolean>;
}

export interface FoundSupervisor {
  readonly address: string;
  /** All addresses that were considered. */
  readonly searched: readonly string[];
}

/**
 * Finds the supervisor to call: the given one, else the first of the searched addresses where one listens. A single
 * socket is not probed: the call itself will show whether it works.
 */
export async function locateSupervisor(given: string | undefined, checks: SocketChecks): Promise<FoundSupervisor> {
  if (given !== undefined) return { address: given, searched: [given] };
  const present = searchedAddresses.filter((address) => checks.exists(address));
  const found = present.length > 1 ? await firstListening(present, checks) : present[0];
  return { address: found ?? present[0] ?? ownAddress, searched: searchedAddresses };
}

async function firstListening(addresses: readonly string[], checks: SocketChecks): Promise<string | undefined> {
  for (const address of addresses) if (await checks.listens(address)) return address;
  return undefined;
}

/** The namespace to work in where none is given: the engine's, at a supervisor that an engine started. */
export function defaultNamespace(endpoint: string): string {
  return endpoint.endsWith("/supervisor/supervisor.sock") ? engineNamespace : plainNamespace;
}
