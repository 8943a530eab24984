import { exec } from "./exec.ts";
import { given } from "./given.ts";
import { happenings } from "./happenings.ts";
import { lifecycle, listing } from "./lifecycle.ts";
import { notify } from "./notify.ts";
import { resources } from "./resources.ts";
import { terminal } from "./terminal.ts";

/**
 * The behaviour of an OCI runtime with runc's command line, observed through that command line alone. A test that Debian's runc fails is
 * a wrong test.
 */
export function oracleSuite(program: string): void {
  for (const part of [lifecycle, listing, exec, given, happenings, resources, terminal, notify]) part(program);
}
