import { readlinkSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path/posix";
import { type FlagTable, type FlagValues, UsageError } from "@gantry/cli";
import { SOCK_CLOEXEC, SOCK_STREAM } from "@gantry/native-sys";
import type { Host } from "../host.ts";
import type { CreateRequest } from "../run/create/create.ts";
import type { Context } from "./context.ts";

/** Flags of both `create` and `run`. */
export const createFlags = {
  bundle: { type: "string", short: "b", value: "DIR", doc: "directory that holds config.json", default: "." },
  "console-socket": { type: "string", value: "PATH", doc: "Unix socket that receives the terminal's master" },
  "pidfd-socket": { type: "string", value: "PATH", doc: "Unix socket that receives a pidfd of the process" },
  "pid-file": { type: "string", value: "FILE", doc: "file that the process's id is written to" },
  "no-pivot": { type: "boolean", doc: "move the root file system instead of pivot_root(2)" },
  "no-new-keyring": { type: "boolean", doc: "keep the caller's session keyring" },
  "preserve-fds": { type: "integer", value: "N", doc: "descriptors from 3 on that the process keeps", default: 0 },
} as const satisfies FlagTable;

/** The request that these flags make. The console socket is the caller's to close. */
export function createRequest(
  host: Host,
  { environment }: Pick<Context, "environment">,
  id: string,
  flags: FlagValues<typeof createFlags>,
): CreateRequest {
  const activated = listenFds(environment);
  return {
    id,
    bundle: resolve(flags.bundle),
    stdio: [0, 1, 2],
    preserve: preserved(activated + flags["preserve-fds"]),
    environment: activated > 0 ? [`LISTEN_FDS=${activated}`, "LISTEN_PID=1"] : [],
    consoleSocket: connectConsole(host, flags["console-socket"]),
    noPivot: flags["no-pivot"],
    newKeyring: !flags["no-new-keyring"],
    sibling: false,
  };
}

/** The number of sockets that a service manager has passed to this process (sd_listen_fds(3)). */
function listenFds(environment: Context["environment"]): number {
  const { LISTEN_FDS = "", LISTEN_PID } = environment;
  return LISTEN_PID === String(process.pid) && /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : 0;
}

/** @throws UsageError naming the first that the caller did not give: a file of this process has its number */
export function preserved(count: number): number[] {
  if (count < 0) throw new UsageError(`invalid value "${count}" for --preserve-fds: must not be below 0`);
  const fds = Array.from({ length: count }, (_, index) => 3 + index);
  const own = count > 0 ? fds.find(isEventLoop) : undefined;
  if (own !== undefined)
    throw new UsageError(`--preserve-fds ${count}: descriptor ${own} is not the caller's: it gave fewer`);
  return fds;
}

/** The first descriptor that this process has opened by itself: inherited descriptors have lower numbers. */
function isEventLoop(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[eventpoll]";
  } catch {
    return true;
  }
}

/**
 * Sends a descriptor of a process to the listener of a socket, with a word that distinguishes a container's first
 * process from one that joins it.
 * @throws Error naming the socket
 */
export function sendPidFd(
  { native }: Host,
  path: string | undefined,
  { pid, kind }: { pid: number; kind: "standard" | "setns" },
): void {
  if (path === undefined) return;
  const opened: number[] = [];
  try {
    const socket = native.unixConnect(path, SOCK_STREAM | SOCK_CLOEXEC);
    opened.push(socket);
    const pidFd = native.pidfdOpen(pid);
    opened.push(pidFd);
    native.sendFds(socket, Buffer.from(kind), [pidFd]);
  } catch (error) {
    throw new Error(`--pidfd-socket ${path}: ${(error as Error).message}`);
  } finally {
    for (const fd of opened) native.closeFd(fd);
  }
}

/** @throws Error naming the socket */
export function connectConsole({ native }: Host, path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  return native.unixConnect(path, SOCK_STREAM | SOCK_CLOEXEC);
}

/** A reader never sees half a number. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  writeFileSync(`${path}.new`, String(pid));
  renameSync(`${path}.new`, path);
}
