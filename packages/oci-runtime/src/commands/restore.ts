import { resolve } from "node:path/posix";
import { UsageError } from "@gantry/cli";
import { PR_SET_CHILD_SUBREAPER } from "@gantry/native-sys";
import { readConfig } from "../run/create/create.ts";
import { restoreContainer } from "../run/criu/restore.ts";
import { deleteContainer } from "../run/delete.ts";
import { foreground } from "../run/launch/foreground.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./context.ts";
import { connectConsole, createFlags, writePidFile } from "./create-flags.ts";
import { criuFlags, criuSettings } from "./criu-flags.ts";
import { withNotifySocket } from "./notify.ts";

const flags = {
  ...criuFlags,
  bundle: createFlags.bundle,
  "console-socket": createFlags["console-socket"],
  "pid-file": createFlags["pid-file"],
  detach: { type: "boolean", short: "d", doc: "return once the process runs" },
  "no-subreaper": { type: "boolean", doc: "do not adopt the container's orphans" },
  "no-pivot": { type: "boolean", doc: "accepted without effect: CRIU sets up the root file system" },
  "lsm-profile": {
    type: "string",
    value: "TYPE:NAME",
    doc: "AppArmor profile or SELinux label in place of the former",
  },
  "lsm-mount-context": { type: "string", value: "CONTEXT", doc: "SELinux context of mounts in place of the former" },
} as const;

export const restore: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "restore",
      operands: "ID",
      summary:
        "Restores a container from a checkpoint, by CRIU; waits for its process, whose exit status it returns, and removes it.",
      flags,
      example: "oci-runtime restore --bundle /tmp/box --image-path /tmp/box.images --detach box",
      count: [1, 1],
    },
    context,
  );
  if (!parsed) return 0;
  const { flags: values } = parsed;
  const [id = ""] = parsed.operands;
  const profile = values["lsm-profile"];
  if (profile !== undefined && !/^(apparmor|selinux):./.test(profile))
    throw new UsageError(`invalid value "${profile}" for --lsm-profile: must be apparmor:NAME or selinux:LABEL`);
  const host = await context.host();
  const bundle = resolve(values.bundle);
  const begin = async (console: number | undefined) => {
    // A process that was ready before still has its socket's directory; it does not notify again.
    const request = await withNotifySocket(context, {
      ...criuSettings(context, values),
      id,
      bundle,
      stdio: [0, 1, 2] as const,
      consoleSocket: console ?? connectConsole(host, values["console-socket"]),
      lsmProfile: profile,
      lsmMountContext: values["lsm-mount-context"],
    });
    const pid = await restoreContainer(host, context.store, request);
    writePidFile(values["pid-file"], pid);
    return { pid };
  };
  if (values.detach) {
    await begin(undefined);
    return 0;
  }
  if (!values["no-subreaper"]) host.native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const terminal = readConfig(bundle).process?.terminal === true && values["console-socket"] === undefined;
  const status = await foreground(host, terminal, begin);
  await deleteContainer(host, context.store, { id, force: true });
  return status;
};
