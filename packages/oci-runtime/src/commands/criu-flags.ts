import { resolve } from "node:path/posix";
import { type FlagTable, type FlagValues, UsageError } from "@gantry/cli";
import type { CriuSettings } from "../run/criu/checkpoint.ts";
import { emptyNamespaces } from "../run/criu/namespaces.ts";
import { cgroupModes } from "../run/criu/options.ts";
import type { Context } from "./context.ts";

/** Flags of both `checkpoint` and `restore`. */
export const criuFlags = {
  "image-path": { type: "string", value: "DIR", doc: "directory of the images", default: "checkpoint" },
  "work-path": { type: "string", value: "DIR", doc: "directory of CRIU's log (default that of the images)" },
  "tcp-established": { type: "boolean", doc: "allow open TCP connections" },
  "ext-unix-sk": { type: "boolean", doc: "allow Unix sockets to processes outside the container" },
  "shell-job": { type: "boolean", doc: "allow a session that was started by a shell outside the container" },
  "lazy-pages": { type: "boolean", doc: "fetch memory on demand (userfaultfd(2))" },
  "file-locks": { type: "boolean", doc: "allow file locks" },
  "manage-cgroups-mode": {
    type: "string",
    value: "MODE",
    doc: "how to handle cgroups: soft, full, strict or ignore",
    default: "soft",
    choices: ["", ...Object.keys(cgroupModes)],
  },
  "empty-ns": { type: "list", value: "NAMESPACE", doc: "make a namespace without its contents: network" },
  "auto-dedup": { type: "boolean", doc: "drop pages from earlier images that are in later ones too" },
} as const satisfies FlagTable;

/** @throws UsageError */
export function criuSettings(context: Context, flags: FlagValues<typeof criuFlags>): CriuSettings {
  const mode = flags["manage-cgroups-mode"] || "soft";
  const work = flags["work-path"];
  return {
    program: context.criu,
    path: context.environment["PATH"],
    images: resolve(flags["image-path"]),
    work: work === undefined ? undefined : resolve(work),
    flags: {
      tcpEstablished: flags["tcp-established"],
      extUnixSk: flags["ext-unix-sk"],
      shellJob: flags["shell-job"],
      fileLocks: flags["file-locks"],
      lazyPages: flags["lazy-pages"],
      autoDedup: flags["auto-dedup"],
      cgroupMode: cgroupModes[mode] ?? 0,
      emptyNamespaces: emptyOf(flags["empty-ns"]),
    },
  };
}

function emptyOf(names: readonly string[]): number {
  try {
    return emptyNamespaces(names);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
