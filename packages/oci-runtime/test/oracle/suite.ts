import { exec } from "./exec.ts";
import { given } from "./given.ts";
import { happenings } from "./happenings.ts";
import { lifecycle, told } from "./lifecycle.ts";
import { notify } from "./notify.ts";
import { resources } from "./resources.ts";
import { terminal } from "./terminal.ts";

/**
 * What an OCI runtime with runc's command line does, told by its command line alone. A test that Debian's runc fails is
 * a wrong test.
 */
export function oracleSuite(program: string): void {
  for (const part of [lifecycle, told, exec, given, happenings, resources, terminal, notify]) part(program);
}
