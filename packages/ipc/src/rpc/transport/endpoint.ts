import { lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { RpcError } from "../../contracts/errors.ts";
import { closedGatePath } from "./accept-gate.ts";

/** sockaddr_un.sun_path holds 108 bytes, the last one a zero (unix(7)). */
const maxPathBytes = 107;

export type Endpoint = { readonly kind: "ipc"; readonly path: string } | { readonly kind: "tcp" };

/**
 * Takes an endpoint apart: ipc:///absolute/path or tcp://host:port.
 * @throws RpcError InvalidArgument for anything else, and for a path that no socket can have
 */
export function parseEndpoint(endpoint: string): Endpoint {
  if (endpoint.startsWith("tcp://")) return { kind: "tcp" };
  if (!endpoint.startsWith("ipc:///")) {
    throw new RpcError("InvalidArgument", `${endpoint}: an endpoint must be ipc:///PATH or tcp://HOST:PORT`);
  }
  const path = endpoint.slice("ipc://".length);
  const bytes = Buffer.byteLength(path);
  if (bytes > maxPathBytes) {
    throw new RpcError(
      "InvalidArgument",
      `${path}: a socket's path may have ${maxPathBytes} bytes, this one has ${bytes}`,
    );
  }
  return { kind: "ipc", path };
}

/**
 * Makes sure that a socket can be made at a path and that only the directory's owner and group
 * can reach it: the mode of the socket file is set after it exists, so the directory is what guards it.
 * A socket file without a listener is no obstacle: binding replaces it.
 * @throws RpcError FailedPrecondition, or AlreadyExists when a server listens there
 */
export async function prepareSocketPath(path: string): Promise<void> {
  checkDirectory(dirname(path));
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new RpcError("FailedPrecondition", `${path} exists and is not a socket`);
  if (await listens(path)) throw new RpcError("AlreadyExists", `${path}: another server listens there`);
}

/**
 * Checks an endpoint as `serve` does, before there is anything to serve.
 * @throws RpcError as `serve`
 */
export async function requireFreeEndpoint(text: string): Promise<void> {
  const endpoint = parseEndpoint(text);
  if (endpoint.kind === "ipc") await prepareSocketPath(endpoint.path);
}

function checkDirectory(directory: string): void {
  let stat: Stats | undefined;
  try {
    stat = statSync(directory, { throwIfNoEntry: false });
  } catch {
    stat = undefined;
  }
  if (!stat?.isDirectory()) throw new RpcError("FailedPrecondition", `${directory} must be an existing directory`);
  const mode = stat.mode & 0o7777;
  if ((mode & 0o027) !== 0) {
    const is = mode.toString(8).padStart(4, "0");
    throw new RpcError("FailedPrecondition", `${directory} must have mode 0700 or 0750 to hold a socket; it has ${is}`);
  }
  const user = process.geteuid?.() ?? 0;
  if (stat.uid !== user && stat.uid !== 0) {
    throw new RpcError(
      "FailedPrecondition",
      `${directory} must belong to user ${user} or root, not to user ${stat.uid}`,
    );
  }
}

/** connect(2) on a path where no process listens: no file, no socket, or the socket of a process that has ended. */
const absent: readonly (string | undefined)[] = ["ENOENT", "ENOTDIR", "ECONNREFUSED", "ENOTSOCK", "EPROTOTYPE"];

/**
 * Whether a process listens on an ipc:// endpoint, however slowly it answers: the kernel accepts connections for a
 * process that is stopped or busy. A time-out of a call shows less: the server may only be slow.
 */
export async function isListening(endpoint: string): Promise<boolean> {
  const parsed = parseEndpoint(endpoint);
  if (parsed.kind !== "ipc") throw new RpcError("InvalidArgument", `${endpoint}: only ipc:// endpoints can be probed`);
  // Short of descriptors, a server renames its socket; it may do so between two looks.
  for (const path of [parsed.path, closedGatePath(parsed.path), parsed.path]) if (await listens(path)) return true;
  return false;
}

/** Whether a process listens on a socket file. Any failure that does not show its absence, such as a full backlog, counts as a listener. */
async function listens(path: string): Promise<boolean> {
  const { connect } = await import("node:net");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => resolve(true));
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(!absent.includes(error.code)));
  const answer = await promise;
  socket.destroy();
  return answer;
}
