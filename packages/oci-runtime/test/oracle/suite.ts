import { environment } from "./environment.ts";
import { exec } from "./exec.ts";
import { execInherits } from "./exec-inherits.ts";
import { given } from "./given.ts";
import { habits } from "./habits.ts";
import { happenings } from "./happenings.ts";
import { hooks, settings } from "./hooks.ts";
import { inherited } from "./inherited.ts";
import { lifecycle, listing } from "./lifecycle.ts";
import { limitOrder } from "./limit-order.ts";
import { log } from "./log.ts";
import { notify } from "./notify.ts";
import { paths } from "./paths.ts";
import { resources } from "./resources.ts";
import { terminal } from "./terminal.ts";

/**
 * The behaviour of an OCI runtime with runc's command line, observed through that command line alone. A test that Debian's runc fails is
 * a wrong test.
 */
export function oracleSuite(program: string): void {
  for (const part of [
    lifecycle,
    listing,
    exec,
    execInherits,
    environment,
    given,
    paths,
    happenings,
    hooks,
    settings,
    habits,
    inherited,
    log,
    resources,
    limitOrder,
    terminal,
    notify,
  ])
    part(program);
}
