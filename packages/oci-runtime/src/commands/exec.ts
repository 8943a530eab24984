import { readFileSync } from "node:fs";
import { type FlagTable, type FlagValues, UsageError } from "@gantry/cli";
import { PR_SET_CHILD_SUBREAPER } from "@gantry/native-sys";
import type { Process } from "@gantry/oci-spec/runtime";
import { type ExecRequest, execInContainer, processOf } from "../run/exec.ts";
import { ownSize } from "../run/launch/console.ts";
import { foreground } from "../run/launch/foreground.ts";
import { parseArguments } from "./arguments.ts";
import type { Command, Context } from "./context.ts";
import { connectConsole, preserved, sendPidFd, writePidFile } from "./create-flags.ts";

const flags = {
  process: { type: "string", short: "p", value: "FILE", doc: "an OCI process object as JSON, instead of a command" },
  "console-socket": { type: "string", value: "PATH", doc: "Unix socket that receives the terminal's master" },
  cwd: { type: "string", value: "DIR", doc: "working directory in the container" },
  env: { type: "list", short: "e", value: "NAME=VALUE", doc: "variable to add to the environment" },
  tty: { type: "boolean", short: "t", doc: "allocate a terminal" },
  user: { type: "string", short: "u", value: "UID[:GID]", doc: "user and group, as numbers" },
  "additional-gids": { type: "list", short: "g", value: "GID", doc: "further group" },
  detach: { type: "boolean", short: "d", doc: "return once the process runs" },
  "pid-file": { type: "string", value: "FILE", doc: "file that the process's id is written to" },
  cap: { type: "list", short: "c", value: "CAP", doc: "capability to add to its sets" },
  "preserve-fds": { type: "integer", value: "N", doc: "descriptors from 3 on that the process keeps", default: 0 },
  "no-new-privs": { type: "boolean", doc: "set no_new_privs for the process" },
  cgroup: { type: "list", value: "CGROUP", doc: "existing cgroup below the container's, as [CONTROLLER:]CGROUP" },
  apparmor: { type: "string", value: "PROFILE", doc: "AppArmor profile" },
  "process-label": { type: "string", value: "LABEL", doc: "SELinux label" },
  "pidfd-socket": { type: "string", value: "PATH", doc: "Unix socket that receives a pidfd of the process" },
  "ignore-paused": { type: "boolean", doc: "allow a paused container; the process runs once it is resumed" },
} as const satisfies FlagTable;

export const exec: Command = async (args, context) => {
  const parsed = parseArguments(
    args,
    {
      name: "exec",
      operands: "ID COMMAND [ARGUMENTS] | ID --process FILE",
      summary: "Runs another process in a running container, and returns its exit status.",
      flags,
      example: "oci-runtime exec --tty box sh",
      count: [1, Number.POSITIVE_INFINITY],
      passesOn: true,
    },
    context,
  );
  if (!parsed) return 0;
  return runExec(parsed.operands, parsed.flags, context);
};

async function runExec(
  operands: readonly string[],
  values: FlagValues<typeof flags>,
  context: Context,
): Promise<number> {
  const [id = "", ...command] = operands;
  const host = await context.host();
  const process = values.process
    ? readProcess(values.process)
    : buildProcess(context, id, { command, values, size: ownSize(host) });
  const begin = async (console: number | undefined) => {
    const request: ExecRequest = {
      id,
      process,
      stdio: [0, 1, 2],
      preserve: preserved(values["preserve-fds"]),
      consoleSocket: console ?? connectConsole(host, values["console-socket"]),
      plainNewlines: console !== undefined,
      cgroups: values.cgroup,
      ignorePaused: values["ignore-paused"],
      sibling: false,
    };
    const launched = await execInContainer(host, context.store, request);
    sendPidFd(host, values["pidfd-socket"], { pid: launched.pid, kind: "setns" });
    writePidFile(values["pid-file"], launched.pid);
    return launched;
  };
  if (values.detach) {
    await begin(undefined);
    return 0;
  }
  host.native.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const terminal = (process as Process).terminal === true && values["console-socket"] === undefined;
  return foreground(host, terminal, begin);
}

function readProcess(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`--process: ${path}: ${(error as Error).message}`);
  }
}

interface Asked {
  readonly command: readonly string[];
  readonly values: FlagValues<typeof flags>;
  /** Of the terminal that it is started from. */
  readonly size: Process["consoleSize"] | undefined;
}

/** The container's own process, with the changes by the flags. */
function buildProcess(context: Context, id: string, { command, values, size }: Asked): Process {
  if (command.length === 0) throw new UsageError("wants a command, or --process FILE");
  const base = processOf(context.store.load(id));
  const gids = values["additional-gids"].map((text) => number("--additional-gids", text));
  return {
    ...base,
    args: [...command],
    terminal: values.tty,
    ...(values.tty && size ? { consoleSize: size } : {}),
    cwd: values.cwd ?? base.cwd,
    env: [...(base.env ?? []), ...values.env],
    user: {
      uid: 0,
      gid: 0,
      ...base.user,
      ...(values.user === undefined ? {} : parseUser(values.user)),
      additionalGids: [...(base.user?.additionalGids ?? []), ...gids],
    },
    noNewPrivileges: values["no-new-privs"] || base.noNewPrivileges === true,
    ...(values.apparmor === undefined ? {} : { apparmorProfile: values.apparmor }),
    ...(values["process-label"] === undefined ? {} : { selinuxLabel: values["process-label"] }),
    ...(values.cap.length > 0 ? { capabilities: withCapabilities(base, values.cap) } : {}),
  };
}

/** A user without a group keeps the group of the container's process. */
function parseUser(text: string): { uid: number; gid?: number } {
  const [uid = "", gid] = text.split(":");
  return { uid: number("--user", uid), ...(gid === undefined ? {} : { gid: number("--user", gid) }) };
}

function number(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`invalid value "${text}" for ${flag}: must be a number`);
  return Number(text);
}

function withCapabilities(base: Process, names: readonly string[]): NonNullable<Process["capabilities"]> {
  const added = (list: readonly string[] = []) => [...new Set([...list, ...names])];
  const { bounding, effective, permitted, inheritable, ambient } = base.capabilities ?? {};
  // Ambient ones must be inheritable too: where the container has none of these, none are meant to be (as with runc).
  return {
    bounding: added(bounding),
    effective: added(effective),
    permitted: added(permitted),
    inheritable: inheritable ?? [],
    ambient: inheritable ? added(ambient) : (ambient ?? []),
  };
}
