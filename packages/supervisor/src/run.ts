import { delimiter, resolve } from "node:path";
import { isSea } from "node:sea";
import { findSibling, isExecutable } from "@gantry/common/programs";
import { type LogLevel, makeLog } from "./log.ts";
import type { SnapshotterName } from "./metadata/snapshots.ts";
import { type RunningSupervisor, startSupervisor } from "./supervisor.ts";

export interface RunOptions {
  readonly root: string;
  readonly state: string;
  readonly address: string | undefined;
  readonly shim: string | undefined;
  readonly "oci-runtime": string | undefined;
  readonly standby: number;
  readonly "registry-config": string;
  readonly snapshotter: string | undefined;
  readonly "log-level": string;
}

/** Starts a supervisor with the options of the command line; SIGTERM and SIGINT stop it. */
export async function run(values: RunOptions): Promise<void> {
  if (values.standby < 0) throw new Error(`--standby must not be negative, it is ${values.standby}`);
  const log = makeLog(values["log-level"] as LogLevel);
  const state = resolve(values.state);
  const options = {
    root: resolve(values.root),
    state,
    address: values.address ?? `ipc://${state}/supervisor.sock`,
    shim: findBinary("shim", values.shim),
    ociRuntime: findBinary("oci-runtime", values["oci-runtime"]),
    standby: values.standby,
    self: { program: process.execPath, args: isSea() ? [] : [...process.execArgv, process.argv[1] as string] },
    registryDirectories: values["registry-config"]
      .split(delimiter)
      .filter(Boolean)
      .map((path) => resolve(path)),
    snapshotter: values.snapshotter as SnapshotterName | undefined,
  };
  const supervisor = await startSupervisor(options, log);
  // An unhandled rejection must not crash the daemon.
  process.on("unhandledRejection", (error) => log.error({ err: error }, "unhandled failure"));
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop(supervisor));
}

function stop(supervisor: RunningSupervisor): void {
  supervisor.close().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`supervisor: ${error instanceof Error ? error.message : error}\n`);
      process.exit(1);
    },
  );
}

/** The binary of a flag, else the one beside this program, else the first on PATH. */
function findBinary(name: string, given: string | undefined): string {
  if (given !== undefined) {
    const path = resolve(given);
    if (!isExecutable(path)) throw new Error(`--${name}: ${path} is not an executable file`);
    return path;
  }
  const found = findSibling(name, process.env.PATH ?? "");
  if (found === undefined) throw new Error(`no ${name} beside ${process.execPath} or on PATH: name one with --${name}`);
  return found;
}
