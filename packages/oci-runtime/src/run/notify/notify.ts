import { chmodSync, closeSync, constants, existsSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path/posix";
import { MSG_DONTWAIT, MSG_NOSIGNAL, O_CLOEXEC, POLLIN, POLLOUT, SOCK_DGRAM } from "@gantry/native-sys";
import type { Spec } from "@gantry/oci-spec/runtime";
import type { Host } from "../../host.ts";
import { demand, statusOf } from "../../state/lifecycle.ts";
import type { Store } from "../../state/store.ts";
import { type CreateRequest, readConfig } from "../create/create.ts";
import { ready } from "../launch/ready.ts";
import { startContainer } from "../start.ts";
import { notifyName, notifyPlace, notifyVariable } from "./notify-paths.ts";

function directoryOf(store: Store, id: string): string {
  return join(store.directory(id), "notify");
}

/**
 * Gives a container to be made a directory for a notification socket, and its process the socket's name
 * (sd_notify(3)). The socket itself is there from the start on.
 * @throws Error, SpecError
 */
export function addNotifySocket<Request extends Pick<CreateRequest, "id" | "bundle" | "spec">>(
  store: Store,
  request: Request,
): Request & Pick<CreateRequest, "spec" | "onReserved"> {
  const source = directoryOf(store, request.id);
  const spec = withSocket(request.spec ?? readConfig(request.bundle), source);
  const onReserved = () => {
    mkdirSync(source);
    // Not subject to the caller's umask: the container's users look for the socket in it.
    chmodSync(source, 0o755);
  };
  return { ...request, spec, onReserved };
}

/** The host's own socket, which the configuration may name, is none that the container can reach. */
function withSocket(spec: Spec, source: string): Spec {
  const options = ["bind", "nosuid", "noexec", "nodev", "ro"];
  const mounts = [...(spec.mounts ?? []), { destination: notifyPlace, type: "bind", source, options }];
  if (!spec.process) return { ...spec, mounts };
  const env = (spec.process.env ?? []).filter((entry) => !entry.startsWith("NOTIFY_SOCKET="));
  env.push(notifyVariable);
  return { ...spec, mounts, process: { ...spec.process, env } };
}

export interface NotifyingStart {
  readonly id: string;
  /** The host's socket: a path, or an abstract name after "@". */
  readonly address: string;
  /** This program is there as long as the container: it is the service's main process then, not the container's. */
  readonly stays: boolean;
}

/**
 * Starts a container and passes on that it is ready.
 * @returns a promise that resolves, and never rejects, once the host is notified or the container's process has ended
 * without a message; with `stays` not before that has ended
 * @throws as startContainer; SystemError for a socket that cannot be made
 */
export async function startWithNotifySocket(
  host: Host,
  store: Store,
  start: NotifyingStart,
): Promise<{ readonly notified: Promise<void> }> {
  const record = store.load(start.id);
  demand("start", statusOf(store, record, host.facts), start.id);
  const directory = directoryOf(store, start.id);
  if (!existsSync(directory)) {
    // It was created without a notification socket.
    await startContainer(host, store, start.id);
    return { notified: Promise.resolve() };
  }
  const opened: number[] = [];
  const close = () => {
    for (const fd of opened.splice(0)) host.native.closeFd(fd);
  };
  try {
    const process = keep(opened, host.native.pidfdOpen(record.pid));
    const socket = keep(opened, listen(host, directory));
    await startContainer(host, store, start.id);
    const mainPid = start.stays ? globalThis.process.pid : record.pid;
    return { notified: relay(host, { socket, process }, { ...start, mainPid }).finally(close) };
  } catch (error) {
    close();
    throw error;
  }
}

function keep(opened: number[], fd: number): number {
  opened.push(fd);
  return fd;
}

/** A socket that every user of the container may send to. Its whole path may be longer than a socket's address. */
function listen({ native }: Host, directory: string): number {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const path = `/proc/self/fd/${fd}/${notifyName}`;
    rmSync(path, { force: true });
    const socket = native.unixListen(path, SOCK_DGRAM, 0);
    chmodSync(path, 0o777);
    return socket;
  } finally {
    closeSync(fd);
  }
}

/** Descriptors that are watched for a container: its socket, and a pidfd of its first process. */
interface Watched {
  readonly socket: number;
  readonly process: number;
}

async function relay(
  host: Host,
  watched: Watched,
  { address, stays, mainPid }: NotifyingStart & { readonly mainPid: number },
): Promise<void> {
  const warn = (error: unknown) => host.warn(`NOTIFY_SOCKET ${address}: ${(error as Error).message}`);
  try {
    if (!(await becomesReady(host, watched))) return;
    const notification = notifyHost(host, address, mainPid).catch(warn);
    // The container goes on sending, and would block on a full queue.
    while (stays && !(await nextEvent(host, watched))) receivesReady(host, watched);
    await notification;
  } catch (error) {
    warn(error);
  }
}

/** False when the process has ended without a word. */
async function becomesReady(host: Host, watched: Watched): Promise<boolean> {
  for (let ended = false; ; ended = await nextEvent(host, watched)) {
    // A message that was sent just before the end counts.
    if (receivesReady(host, watched)) return true;
    if (ended) return false;
  }
}

/** Resolves when there is something to read, or the process has ended: with true then. */
function nextEvent({ native }: Host, { socket, process }: Watched): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (ended: boolean) => {
      for (const watch of watches) watch.close();
      resolve(ended);
    };
    const watches = [
      native.watchFd(socket, POLLIN, () => end(false)),
      native.watchFd(process, POLLIN, () => end(true)),
    ];
  });
}

/** A container that never stops sending must not keep this program from everything else. */
const messagesAtOnce = 64;
const longestMessage = 4096;

/**
 * Empties the socket. Nothing but readiness is passed on, as with runc: the rest speaks of process ids and descriptors
 * of the container's own. A descriptor that is sent is closed by the kernel, so that a barrier in the container falls
 * at once (sd_notify_barrier(3)).
 */
function receivesReady({ native }: Host, { socket }: Watched): boolean {
  for (let count = 0; count < messagesAtOnce; count++) {
    const message = native.socketRecv(socket, longestMessage, MSG_DONTWAIT);
    if (!message) return false;
    if (message.toString("latin1").split("\n").includes("READY=1")) return true;
  }
  return false;
}

/** Notifies the host, and returns once it has read the message: it identifies the sender by a process that still exists. */
async function notifyHost(host: Host, address: string, mainPid: number): Promise<void> {
  const { native } = host;
  const socket = native.unixConnect(address, SOCK_DGRAM);
  try {
    for (const message of ["READY=1\n", `MAINPID=${mainPid}\n`])
      await whenWritable(host, socket, () => native.socketSend(socket, Buffer.from(message), MSG_NOSIGNAL));
    await barrier(host, socket);
  } finally {
    native.closeFd(socket);
  }
}

/** Waits until the other side has read all messages: it closes the barrier's descriptor (sd_notify_barrier(3)). */
async function barrier(host: Host, socket: number): Promise<void> {
  const { native } = host;
  const [ours, theirs] = native.pipe(O_CLOEXEC);
  try {
    const send = () => native.sendFds(socket, Buffer.from("BARRIER=1"), [theirs]);
    await whenWritable(host, socket, send).finally(() => native.closeFd(theirs));
    if (!(await ready(host, ours, { limitMs: barrierMs })))
      throw new Error(`the receiver has not read it within ${barrierMs / 1000} s`);
  } finally {
    native.closeFd(ours);
  }
}

/** Sends; waits while the receiver's queue is full. @throws SystemError */
async function whenWritable(host: Host, fd: number, send: () => void): Promise<void> {
  for (;;) {
    try {
      send();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    if (!(await ready(host, fd, { events: POLLOUT, limitMs: barrierMs })))
      throw new Error(`the receiver has taken nothing for ${barrierMs / 1000} s`);
  }
}

/** Longer than a busy systemd takes; not every receiver knows barriers. */
const barrierMs = 30_000;
