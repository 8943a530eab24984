import { resolve } from "node:path/posix";
import { UsageError } from "@gantry/cli";
import { writeNow } from "@gantry/cli/output";
import type { Host } from "../host.ts";
import { Store } from "../state/store.ts";
import { Log } from "./log.ts";

/** The values of the flags before the command, and the environment. */
export interface Globals {
  readonly root: string | undefined;
  readonly log: string | undefined;
  readonly "log-format": string;
  readonly debug: boolean;
  readonly "systemd-cgroup": boolean;
  readonly rootless: string;
  readonly criu: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The dependencies of every command. */
export interface Context {
  readonly store: Store;
  /** The store's root is the caller's choice, by --root. */
  readonly rootGiven: boolean;
  readonly log: Log;
  readonly environment: Globals["environment"];
  /** The native parts, loaded at the first call. */
  readonly host: () => Promise<Host>;
  /** CRIU's program, by name or path. */
  readonly criu: string;
  readonly print: (text: string) => void;
}

/** A command: its arguments after its name; the exit status. */
export type Command = (args: readonly string[], context: Context) => Promise<number>;

/** @throws UsageError */
export function makeContext(globals: Globals): Context {
  const rootless = rootlessOf(globals.rootless);
  const log = new Log(globals.log, globals["log-format"] === "json", globals.debug);
  let host: Promise<Host> | undefined;
  const store = new Store(resolve(globals.root ?? defaultRoot(globals.environment)));
  return {
    store,
    rootGiven: globals.root !== undefined,
    log,
    environment: globals.environment,
    criu: globals.criu,
    host: () => {
      host ??= import("../host.ts").then(({ openHost }) =>
        openHost((message) => log.warn(message), store.filters, {
          rootless,
          systemdCgroup: globals["systemd-cgroup"],
          debug: globals.debug ? (message) => log.debug(message) : undefined,
        }),
      );
      return host;
    },
    print: (text) => writeNow(1, text),
  };
}

/** The value of --rootless; undefined for auto. @throws UsageError */
function rootlessOf(value: string): boolean | undefined {
  if (value === "auto") return undefined;
  if (value === "true" || value === "false") return value === "true";
  throw new UsageError(`invalid value "${value}" for --rootless: must be auto, true or false`);
}

/** A user without root keeps state where the session's runtime files are. */
function defaultRoot(environment: Globals["environment"]): string {
  const own = environment["XDG_RUNTIME_DIR"];
  return process.geteuid?.() !== 0 && own ? `${own}/oci-runtime` : "/run/oci-runtime";
}
